#include "service/relay.hpp"

#include <malloc.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "service/admin.hpp"
#include "service/counters_text.hpp"
#include "service/file_watcher.hpp"
#include "service/heap_trim.hpp"
#include "service/incident_log.hpp"
#include "service/kernel_overrides.hpp"
#include "service/layer_options.hpp"
#include "service/listeners.hpp"
#include "service/log.hpp"
#include "service/named_files.hpp"
#include "service/operations.hpp"
#include "service/shards.hpp"
#include "service/state_store.hpp"
#include "service/upgrade_state.hpp"
#include "service/webhooks.hpp"
#include "tls/tls_engine.hpp"
#include "uring/backend.hpp"
#include "uring/clock.hpp"

namespace tickwire::service {
namespace {

using Clock = std::chrono::steady_clock;

/// How members leave for an upgrade in place: half a second and less until they are back. Who does not
/// answer our close inside the linger is cut off, for the next process starts when this one has ended.
constexpr auto upgrade_window = std::chrono::milliseconds(400);
constexpr auto upgrade_linger = std::chrono::milliseconds(300);

/// Raises the soft limit on open files to the hard one, and says how many connections that allows.
std::uint32_t connections_allowed(std::uint32_t shard_count) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        ::getrlimit(RLIMIT_NOFILE, &limit);
    }
    const rlim_t kept_back = 64 + rlim_t{8} * shard_count;  // listeners, rings, files, refusals
    const rlim_t connections = limit.rlim_cur > kept_back * 2 ? limit.rlim_cur - kept_back : kept_back;
    return static_cast<std::uint32_t>(std::min<rlim_t>(connections, 1'000'000));
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text += (text.empty() ? "" : ", ") + name;
    }
    return text;
}

/// The main thread's: everything that is not on a shard.
class Relay final : public Operations {
  public:
    Relay(ConfigSources sources, ResolvedConfig resolved)
        : sources_(std::move(sources)),
          is_debug_allowed_(resolved.config.admin_debug),
          session_key_life_(to_duration(resolved.config.session_key_life_s)),
          resolved_(std::move(resolved)) {}

    int run();

    Shards& shards() override { return *shards_; }
    tl::expected<std::string, std::string> reload() override;
    void start_drain(const DrainOptions& options) override;
    bool is_ready() const override { return is_running_ && !shards_->directory().is_draining(); }
    bool set_log_level(const std::string& level) override { return service::set_log_level(level); }
    std::uint32_t connection_count_max() const override { return connection_count_max_; }
    bool is_debug_allowed() const override { return is_debug_allowed_; }
    const Webhooks* webhooks() const override { return webhooks_.get(); }

  private:
    int fail_setting(const std::string& message);
    enum class StopReason : std::uint8_t { terminated, interrupted, drained };
    /// Until a signal or a drain ends it.
    StopReason serve(const sigset_t& signals);
    /// What the process before left, if it can be read; told in one line either way.
    UpgradeState take_over(const std::vector<int>& descriptors);
    /// Sends everybody away, and leaves the matches to the next process.
    void leave();
    void on_reload_signal();
    void reload_ticket_keys();
    void reload_certificates();
    /// What may change while shards run, as it is here. Under mutex_.
    void put_into_force();
    void report_status();
    std::uint64_t heap_bytes() const;
    bool is_drained();
    void log_counters() const;

    const ConfigSources sources_;
    const bool is_debug_allowed_;  ///< a restart changes it, as the next
    const base::Duration session_key_life_;
    std::mutex mutex_;  ///< of what reload() and start_drain() change
    ResolvedConfig resolved_;
    std::shared_ptr<tls::TlsContext> tls_context_;       ///< null: no certificates
    std::shared_ptr<const ticket::KeySet> ticket_keys_;  ///< null: joining needs no ticket
    std::uint32_t connection_count_max_ = 0;
    const std::shared_ptr<tls::TicketKeys> tickets_ = tls::TicketKeys::create();
    std::vector<Inherited> inherited_listeners_;
    std::unique_ptr<Webhooks> webhooks_;  ///< null: nobody wants to know
    std::optional<IncidentLog> incidents_;
    std::unique_ptr<Shards> shards_;
    std::unique_ptr<FileWatcher> certificate_watcher_;
    std::unique_ptr<FileWatcher> key_watcher_;
    std::atomic<bool> is_running_{false};
    std::optional<StoredState> stored_;  ///< what take_over() returned views into
    Clock::time_point session_key_made_ = Clock::now();
    std::string drain_url_;
    std::atomic<Clock::time_point> drain_deadline_{Clock::time_point::max()};
};

int Relay::fail_setting(const std::string& message) {
    std::fprintf(stderr, "tickwire: %s\n", message.c_str());
    ::sd_notifyf(0, "STATUS=%s", message.c_str());
    return exit_bad_setting;
}

int Relay::run() {
    const ServeConfig config =
        resolved_.config;  // a copy: the admin interface may reload from its start on
    start_log(config.log_format, config.log_level);
    const auto features = uring::probe_features();
    if (!features) {
        std::fprintf(stderr, "tickwire: %s\n", features.error().message.c_str());
        return exit_no_io_uring;
    }
    const auto files = read_named_files(config, tickets_);
    if (!files) {
        return fail_setting((sources_.file.empty() ? "" : sources_.file + ": ") + files.error());
    }
    const Shards::Tickets tickets{
        files->ticket_keys, {!config.ticket_optional, config.ticket_single_use, config.ticket_audience}};
    const auto shard_count =
        config.shards != 0 ? config.shards : static_cast<std::uint32_t>(usable_cpus().size());
    const std::uint32_t allowed = connections_allowed(shard_count);
    connection_count_max_ = config.max_connections != 0 ? config.max_connections : allowed;

    // Signals are for this thread alone, so they are blocked before any other starts. A peer that is gone
    // is an error of its send, not a signal.
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
        sigaddset(&signals, signal);
    }
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);

    const auto inherited = take_inherited();
    if (!inherited) {
        return fail_setting(inherited.error());
    }
    inherited_listeners_ = inherited->listeners;
    const auto listeners = Listeners::open(config, inherited->listeners, shard_count);
    if (!listeners) {
        return fail_setting(listeners.error());
    }
    tls_context_ = files->certificates;
    ticket_keys_ = files->ticket_keys;
    const shard::LiveSettings live = live_settings(config, tls_context_, ticket_keys_);
    shard::ShardOptions options = shard_options(config, live, connection_count_max_);
    if (const auto applied = apply_kernel_overrides(options.backend); !applied) {
        return fail_setting(applied.error());
    }
    incidents_.emplace(shard_count);
    shards_ = std::make_unique<Shards>(shard_count, directory_limits(config, connection_count_max_));
    if (!files->webhooks.urls.empty()) {
        webhooks_ = std::make_unique<Webhooks>(files->webhooks, shard_count);
    }
    UpgradeState legacy = take_over(inherited->states);
    const auto started = shards_->start(
        options, *listeners, files->certificates, tickets,
        [this](std::uint32_t shard) {
            return Shards::Rings{.notices = webhooks_ == nullptr ? nullptr : &webhooks_->ring(shard),
                                 .incidents = &incidents_->ring(shard)};
        },
        config.pin ? Shards::Pinning::one_cpu_each : Shards::Pinning::none, std::move(legacy.matches));
    stored_.reset();
    if (!started) {
        shards_->stop();
        std::fprintf(stderr, "tickwire: %s\n", started.error().message.c_str());
        return exit_no_io_uring;
    }
    certificate_watcher_ = std::make_unique<FileWatcher>("certificates", certificate_paths(config),
                                                         [this] { reload_certificates(); });
    key_watcher_ = std::make_unique<FileWatcher>("ticket-keys", ticket_key_paths(config),
                                                 [this] { reload_ticket_keys(); });
    auto admin = Admin::start(listeners->admin(), files->admin_token, *this);
    spdlog::info("kernel: {}", features->summary);
    spdlog::info("{} shards, {} connections at most, {} ticks a second, slots of at most {} us",
                 shard_count, connection_count_max_, config.tick_hz, config.slot_us);
    for (const std::string& line : exposed_secrets(config)) {
        spdlog::warn("{}", line);
    }
    if (connection_count_max_ > allowed) {
        spdlog::warn("the limit on open files allows only {} connections", allowed);
    }
    if (tickets.keys != nullptr) {
        spdlog::info("joining {} a ticket: {} keys", config.ticket_optional ? "may bring" : "needs",
                     tickets.keys->count());
    } else {
        spdlog::info("joining needs no ticket (ticket-key and ticket-jwks are not set)");
    }
    if (config.origins.empty()) {
        spdlog::info("web pages of every origin may connect (origins is not set)");
    }
    for (const std::string& line : listeners->lines()) {
        std::printf("%s\n", line.c_str());
    }
    std::fflush(stdout);
    is_running_ = true;
    ::sd_notify(0, "READY=1");
    const StopReason reason = serve(signals);
    is_running_ = false;
    ::sd_notify(0, "STOPPING=1");
    admin.reset();  // or its requests would wait for shards that have left
    if (reason == StopReason::terminated && has_state_store()) {
        leave();
    }
    certificate_watcher_->stop();
    key_watcher_->stop();
    shards_->stop();
    incidents_->finish(*shards_);
    webhooks_.reset();
    log_counters();
    return exit_done;
}

/// The main thread sleeps until a signal, or until something of its own is due: the watchdog is to be fed,
/// the status to be told, a drain to be ended.
Relay::StopReason Relay::serve(const sigset_t& signals) {
    constexpr std::chrono::nanoseconds period = std::chrono::milliseconds(500);
    std::uint64_t watchdog_us = 0;
    const bool has_watchdog = ::sd_watchdog_enabled(1, &watchdog_us) > 0;
    const auto feed_interval = std::chrono::microseconds(watchdog_us / 3);
    auto next_feed = Clock::now();
    auto next_status = Clock::now();
    HeapTrim heap_trim;
    while (true) {
        const timespec timeout{0, period.count()};
        const int signal = ::sigtimedwait(&signals, nullptr, &timeout);
        if (signal == SIGTERM || signal == SIGINT) {
            spdlog::info("stopping on signal {}", signal);
            return signal == SIGTERM ? StopReason::terminated : StopReason::interrupted;
        }
        if (signal == SIGUSR1) {
            log_counters();
        } else if (signal == SIGHUP) {
            on_reload_signal();
        }
        const auto now = Clock::now();
        if (has_watchdog && now >= next_feed) {
            // Where a shard is stuck nothing is said, and the service manager draws the conclusion.
            if (shards_->have_all_run()) {
                ::sd_notify(0, "WATCHDOG=1");
                next_feed = now + feed_interval;
            }
        }
        incidents_->write(*shards_, now);
        if (heap_trim.is_due(heap_bytes())) {
            ::malloc_trim(0);  // of all threads
        }
        if (now >= next_status) {
            report_status();
            next_status = now + std::chrono::seconds(2);
        }
        if (now >= session_key_made_ + session_key_life_) {
            session_key_made_ = now;
            if (!tickets_->rotate()) {
                spdlog::error("no random bits for a new ticket key: the old one stays");
            }
        }
        if (is_drained()) {
            spdlog::info("drained");
            return StopReason::drained;
        }
    }
}

UpgradeState Relay::take_over(const std::vector<int>& descriptors) {
    UpgradeState state;
    for (const int descriptor : descriptors) {
        auto stored = StoredState::open(descriptor);
        auto decoded = stored ? decode_upgrade_state(stored->bytes(), uring::monotonic_now())
                              : tl::unexpected(std::move(stored.error()));
        if (!decoded) {
            spdlog::warn("starting empty: the state of the process before cannot be read: {}",
                         decoded.error());
            continue;
        }
        stored_.emplace(std::move(*stored));
        state = std::move(*decoded);
    }
    if (!stored_) {
        return state;
    }
    tickets_->restore(state.common.session_ticket_keys);
    session_key_made_ = Clock::now() - state.common.session_ticket_key_age;
    for (const shard::UsedTicket& used : state.common.used_tickets) {
        shards_->directory().restore_used_ticket(used);
    }
    spdlog::info("going on with {} matches and {} players of the process before, {} bytes",
                 state.matches.size(), state.player_count, stored_->bytes().size());
    return state;
}

void Relay::leave() {
    std::string url;
    std::size_t size_max = 0;
    {
        const std::lock_guard lock(mutex_);
        url = drain_url_;
        size_max = std::size_t{resolved_.config.upgrade_state_mib} << 20U;
    }
    Shards::Left left = shards_->leave({upgrade_window, url, upgrade_linger});
    if (left.shards_silent != 0) {
        spdlog::error("{} shards do not answer: their matches end", left.shards_silent);
    }
    const CommonState common{*tickets_->set(), Clock::now() - session_key_made_,
                             shards_->directory().used_tickets(::time(nullptr))};
    auto bytes = encode_upgrade_state(common, left.matches);
    if (const std::size_t size = bytes.size(); size > size_max && size_max != 0) {
        bytes = std::vector<std::uint8_t>();  // gives the memory back
        const Dropped dropped = drop_for_room(left.matches, size - size_max, uring::monotonic_now());
        spdlog::warn(
            "{} bytes are more than upgrade-state-mib allows: the logs of {} matches are not left, "
            "nor are {} whole matches",
            size, dropped.log_count, dropped.matches.size());
        constexpr std::size_t named_max = 10;
        for (std::size_t index = 0; index < std::min(dropped.matches.size(), named_max); ++index) {
            spdlog::warn("match {} is not left to the next process", dropped.matches[index]);
        }
        bytes = encode_upgrade_state(common, left.matches);
    }
    if (bytes.size() > size_max) {
        spdlog::warn("nothing is left to the next process: {} bytes are more than upgrade-state-mib allows",
                     bytes.size());
    } else if (const auto stored = store_state(bytes); !stored) {
        spdlog::error("nothing is left to the next process: {}", stored.error());
    } else {
        spdlog::info("left {} matches to the next process, {} bytes", left.matches.size(), bytes.size());
    }
}

void Relay::on_reload_signal() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    ::sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
                 static_cast<long long>(time.tv_sec) * 1'000'000 + time.tv_nsec / 1000);
    static_cast<void>(reload());
    ::sd_notify(0, "READY=1");
}

void Relay::report_status() {
    std::uint64_t members = 0;
    std::uint64_t late = 0;
    std::uint64_t ticks = 0;
    for (std::uint32_t index = 0; index < shards_->count(); ++index) {
        const shard::ShardCounters counters = shards_->counters(index);
        members += counters.members;
        late += counters.ticks_late;
        ticks += counters.matches.ticks;
    }
    ::sd_notifyf(0, "STATUS=%s%llu members in %u matches, %llu of %llu ticks late",
                 shards_->directory().is_draining() ? "draining: " : "",
                 static_cast<unsigned long long>(members), shards_->directory().match_count(),
                 static_cast<unsigned long long>(late), static_cast<unsigned long long>(ticks));
}

/// What the shards hold of malloc's memory. OpenSSL's is counted by the thread that takes and gives it, so
/// that only the sum means something.
std::uint64_t Relay::heap_bytes() const {
    std::int64_t bytes = 0;
    for (std::uint32_t index = 0; index < shards_->count(); ++index) {
        const shard::ShardCounters counters = shards_->counters(index);
        bytes += static_cast<std::int64_t>(counters.openssl_bytes + counters.match_heap_bytes);
    }
    return static_cast<std::uint64_t>(std::max(bytes, std::int64_t{0}));
}

/// All or nothing: what is wrong anywhere leaves everything as it is.
tl::expected<std::string, std::string> Relay::reload() {
    const std::lock_guard lock(mutex_);
    const auto refuse = [](const std::string& why) {
        spdlog::error("reload: nothing has changed: {}", why);
        return tl::unexpected(why);
    };
    const auto resolved = resolve_config(sources_);
    if (!resolved) {
        return refuse(resolved.error());
    }
    auto merged = merge_reload(resolved_, *resolved);
    if (!merged) {
        return refuse(merged.error());
    }
    if (const auto done = check_inherited(inherited_listeners_, merged->resolved.config); !done) {
        return refuse(done.error());
    }
    // Watched from before they are read: what changes in between is seen.
    certificate_watcher_->watch(certificate_paths(merged->resolved.config));
    key_watcher_->watch(ticket_key_paths(merged->resolved.config));
    const auto tls_context = read_certificates(merged->resolved.config, tickets_);
    const auto ticket_keys = read_ticket_keys(merged->resolved.config);
    if (!tls_context || !ticket_keys) {
        // What has changed beside what is wrong is not lost: the watchers find it.
        certificate_watcher_->watch_unread(certificate_paths(resolved_.config));
        key_watcher_->watch_unread(ticket_key_paths(resolved_.config));
        return refuse(tls_context ? ticket_keys.error() : tls_context.error());
    }
    resolved_ = std::move(merged->resolved);
    tls_context_ = *tls_context;
    ticket_keys_ = *ticket_keys;
    put_into_force();
    service::set_log_level(resolved_.config.log_level);
    std::string result = "reloaded; changed: " +
                         (merged->changed.empty() ? std::string("nothing") : joined(merged->changed));
    if (*tls_context != nullptr) {
        result += "; certificates read again";
    }
    if (*ticket_keys != nullptr) {
        result += "; " + std::to_string((*ticket_keys)->count()) + " ticket keys read again";
    }
    if (!merged->needs_restart.empty()) {
        result += "; needs a restart: " + joined(merged->needs_restart);
    }
    spdlog::info("{}", result);
    return result;
}

void Relay::put_into_force() {
    shards_->directory().change_limits(directory_limits(resolved_.config, connection_count_max_));
    const auto live = std::make_shared<const shard::LiveSettings>(
        live_settings(resolved_.config, tls_context_, ticket_keys_));
    shards_->tell_all([live](shard::Control& control) { control.apply(live); });
}

void Relay::reload_certificates() {
    const std::lock_guard lock(mutex_);
    const auto tls_context = read_certificates(resolved_.config, tickets_);
    if (!tls_context) {
        spdlog::error("certificates have changed and cannot be used, the old ones stay: {}",
                      tls_context.error());
        return;
    }
    tls_context_ = *tls_context;
    put_into_force();
    spdlog::info("certificates have changed and were read again");
}

void Relay::reload_ticket_keys() {
    const std::lock_guard lock(mutex_);
    const auto keys = read_ticket_keys(resolved_.config);
    if (!keys) {
        spdlog::error("ticket keys have changed and cannot be used, the old ones stay: {}", keys.error());
        return;
    }
    ticket_keys_ = *keys;
    put_into_force();
    spdlog::info("ticket keys have changed: {} now", ticket_keys_->count());
}

void Relay::start_drain(const DrainOptions& options) {
    const std::lock_guard lock(mutex_);
    spdlog::info("draining: no new matches; ends with the last one, in {} s at the latest",
                 options.timeout.count());
    shards_->tell_all([options](shard::Control& control) {
        control.set_farewell({options.window, options.url});
    });
    drain_url_ = options.url;
    shards_->directory().start_draining();
    drain_deadline_ = Clock::now() + options.timeout;
}

bool Relay::is_drained() {
    if (!shards_->directory().is_draining()) {
        return false;
    }
    return shards_->directory().match_count() == 0 || Clock::now() >= drain_deadline_.load();
}

void Relay::log_counters() const {
    for (std::uint32_t index = 0; index < shards_->count(); ++index) {
        spdlog::info("counters {}", counters_as_json(index, shards_->counters(index)));
    }
}

}  // namespace

int run_relay(const ConfigSources& sources, const ResolvedConfig& resolved) {
    return Relay(sources, resolved).run();
}

tl::expected<std::vector<std::string>, std::string> check_config_file(const std::string& file) {
    const auto resolved = resolve_config({file, process_environment(), {}});
    if (!resolved) {
        return tl::unexpected(resolved.error());
    }
    if (const auto files = read_named_files(resolved->config, nullptr); !files) {
        return tl::unexpected(file + ": " + files.error());
    }
    return exposed_secrets(resolved->config);
}

}  // namespace tickwire::service

#include "service/relay.hpp"

#include <pthread.h>
#include <sched.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/check.hpp"
#include "service/counters_text.hpp"
#include "service/demo_pages.hpp"
#include "service/kernel_overrides.hpp"
#include "service/key_watcher.hpp"
#include "service/listeners.hpp"
#include "shard/shard.hpp"
#include "tls/tls_engine.hpp"
#include "uring/backend.hpp"

namespace tickwire::service {
namespace {

/// Tokens from the kernel's generator: 128 bits as 22 characters.
class KernelTokens final : public match::TokenSource {
  public:
    match::ResumeToken next_token() noexcept override {
        constexpr std::string_view digits =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        match::ResumeToken token{};
        std::array<std::uint8_t, std::tuple_size_v<match::ResumeToken>> random{};
        base::check(::getrandom(random.data(), random.size(), 0) == static_cast<ssize_t>(random.size()),
                    "getrandom gives what it was asked for");
        for (std::size_t index = 0; index < token.size(); ++index) {
            token[index] = digits[random[index] % digits.size()];
        }
        return token;
    }
};

std::vector<int> usable_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    std::vector<int> cpus;
    if (::sched_getaffinity(0, sizeof set, &set) == 0) {
        for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
            if (CPU_ISSET(cpu, &set)) {
                cpus.push_back(static_cast<int>(cpu));
            }
        }
    }
    return cpus.empty() ? std::vector<int>{0} : cpus;
}

void pin_thread(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    if (::pthread_setaffinity_np(::pthread_self(), sizeof set, &set) != 0) {
        spdlog::warn("cannot pin a shard to CPU {}", cpu);
    }
}

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

base::Duration seconds(double value) {
    return base::Duration(static_cast<std::int64_t>(value * 1e9));
}

std::int64_t unix_time() noexcept {
    return ::time(nullptr);
}

ticket::KeySources key_sources(const ServeConfig& config) {
    ticket::KeySources sources;
    for (const std::string& pair : config.ticket_key) {
        const std::size_t equals = pair.find('=');
        sources.files.push_back({pair.substr(0, equals), pair.substr(equals + 1)});
    }
    sources.jwks_files = config.ticket_jwks;
    return sources;
}

shard::DirectoryLimits directory_limits(const ServeConfig& config, std::uint32_t connection_count_max) {
    shard::DirectoryLimits limits;
    limits.connection_count_max = connection_count_max;
    limits.match_count_max = config.max_matches;
    limits.address = {config.max_connections_per_address, config.connects_per_address};
    limits.used_ticket_count_max = config.max_used_tickets;
    limits.memory_max = std::uint64_t{config.max_memory_mib} << 20U;
    if (limits.memory_max == 0) {
        struct sysinfo machine {};
        ::sysinfo(&machine);
        limits.memory_max = std::uint64_t{machine.totalram} * machine.mem_unit / 2;
    }
    return limits;
}

/// What the settings' table has checked is taken at its word.
void set_admission(const ServeConfig& config, shard::ShardOptions& options) {
    for (const std::string& origin : config.origins) {
        options.session.origins.allowed.push_back(*session::OriginPattern::parse(origin));
    }
    options.session.origins.is_required = config.origin_required;
    for (const std::string& range : config.trusted_proxies) {
        options.addresses.trusted_proxies.push_back(*base::AddressRange::parse(range));
    }
    options.addresses.is_loopback_limited = config.limit_loopback;
    options.handshake_count_max = config.max_handshakes;
    options.newcomer_share_permille = config.newcomer_share * 10;
    options.pressure.late_permille = config.late_slots;
    options.session.tls_timeout = seconds(config.tls_timeout_s);
    options.session.upgrade_timeout = seconds(config.upgrade_timeout_s);
    options.session.message_timeout = seconds(config.message_timeout_s);
    options.session.fragment_count_max = config.max_fragments;
    options.session.outbox_size_max = config.outbox_bytes;
    options.session.json = {config.name_bytes, config.json_depth};
    options.match.outbox_size_max = config.outbox_bytes;
    options.match.spectator_count_max = config.max_spectators;
    options.match.event_log_size = config.event_log_bytes;
    options.match.properties_size_max = config.properties_bytes;
    options.match.properties_count_max = config.max_properties;
}

shard::ShardOptions shard_options(const ServeConfig& config, std::uint32_t connection_count_max) {
    shard::ShardOptions options;
    options.match.tick_hz = config.tick_hz;
    options.match.player_count_max = config.max_players;
    options.match.resume_window = seconds(config.resume_window_s);
    options.match.limits.state_bytes = config.state_bytes;
    options.match.limits.event_bytes = config.event_bytes;
    options.match.limits.messages_per_second = config.messages_per_second;
    options.match.limits.bytes_per_second = config.bytes_per_second;
    options.match.limits.json_bytes = config.json_bytes;
    options.match.limits.json_per_second = config.json_per_second;
    options.session.limits = options.match.limits;
    options.session.idle_timeout = seconds(config.idle_timeout_s);
    options.session.join_timeout = seconds(config.join_timeout_s);
    options.session.is_echo_on = config.echo;
    options.connection_count_max = connection_count_max;
    options.match_count_max = config.max_matches;
    options.slot_max = std::chrono::microseconds(config.slot_us);
    set_admission(config, options);
    if (config.demo) {
        options.find_page = &find_demo_page;
    }
    return options;
}

/// The threads of the relay, their doors and their counters.
class Shards {
  public:
    Shards(std::uint32_t count, const shard::DirectoryLimits& limits)
        : directory_(count, limits), published_(count) {
        for (std::uint32_t index = 0; index < count; ++index) {
            owned_doors_.push_back(std::make_unique<shard::Door>());
            doors_.push_back(owned_doors_.back().get());
        }
    }

    /// Starts every shard, and returns when all accept; or the first one's error.
    tl::expected<void, uring::SetupError> start(const shard::ShardOptions& options,
                                                const Listeners& listeners,
                                                const std::shared_ptr<tls::TlsContext>& tls_context,
                                                const std::shared_ptr<const ticket::KeySet>& ticket_keys,
                                                const ticket::Policy& ticket_policy, bool is_pinned) {
        const std::vector<int> cpus = usable_cpus();
        std::vector<std::future<tl::expected<void, uring::SetupError>>> started;
        for (std::uint32_t index = 0; index < doors_.size(); ++index) {
            shard::ShardSetting setting;
            setting.index = index;
            setting.listeners = listeners.of_shard(index);
            setting.tls_context = tls_context;
            setting.directory = &directory_;
            setting.doors = doors_;
            setting.tokens = &tokens_;
            setting.published = &published_[index];
            setting.ticket_keys = ticket_keys;
            setting.ticket_policy = ticket_policy;
            setting.unix_time = &unix_time;
            std::promise<tl::expected<void, uring::SetupError>> ready;
            started.push_back(ready.get_future());
            const int cpu = is_pinned ? cpus[index % cpus.size()] : -1;
            threads_.emplace_back([options, setting, cpu, ready = std::move(ready), this]() mutable {
                if (cpu >= 0) {
                    pin_thread(cpu);
                }
                ::pthread_setname_np(::pthread_self(), ("shard-" + std::to_string(setting.index)).c_str());
                shard::PublishedCounters& published = published_[setting.index];
                auto shard = shard::Shard::create(options, std::move(setting));
                if (!shard) {
                    ready.set_value(tl::unexpected(std::move(shard.error())));
                    return;
                }
                ready.set_value({});
                (*shard)->run();
                published.publish((*shard)->counters());
            });
        }
        for (auto& result : started) {
            if (auto outcome = result.get(); !outcome) {
                return outcome;
            }
        }
        return {};
    }

    void stop() {
        for (shard::Door* const door : doors_) {
            door->ask_to_stop();
        }
        for (std::thread& thread : threads_) {
            thread.join();
        }
        threads_.clear();
    }

    void give_ticket_keys(const std::shared_ptr<const ticket::KeySet>& keys) {
        for (shard::Door* const door : doors_) {
            door->give_ticket_keys(keys);
        }
    }

    void log_counters() const {
        for (std::uint32_t index = 0; index < published_.size(); ++index) {
            spdlog::info("counters {}", counters_as_json(index, published_[index].read()));
        }
    }

  private:
    shard::Directory directory_;
    KernelTokens tokens_;
    std::vector<std::unique_ptr<shard::Door>> owned_doors_;
    std::vector<shard::Door*> doors_;
    std::vector<shard::PublishedCounters> published_;
    std::vector<std::thread> threads_;
};

int fail_setting(const std::string& message) {
    std::fprintf(stderr, "tickwire: %s\n", message.c_str());
    return exit_bad_setting;
}

}  // namespace

int run_relay(const ServeConfig& config) {
    spdlog::set_default_logger(spdlog::stderr_logger_mt("tickwire"));
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");

    const auto features = uring::probe_features();
    if (!features) {
        std::fprintf(stderr, "tickwire: %s\n", features.error().message.c_str());
        return exit_no_io_uring;
    }
    std::shared_ptr<tls::TlsContext> tls_context;
    if (!config.tls_listen.empty()) {
        auto context = tls::TlsContext::for_server(config.certificate, config.key);
        if (!context) {
            return fail_setting(context.error());
        }
        tls_context = std::move(*context);
    }
    const ticket::KeySources sources = key_sources(config);
    std::shared_ptr<const ticket::KeySet> ticket_keys;
    if (!sources.is_empty()) {
        auto loaded = ticket::KeySet::load(sources);
        if (!loaded) {
            return fail_setting(loaded.error());
        }
        ticket_keys = std::move(*loaded);
    }
    const auto shard_count =
        config.shards != 0 ? config.shards : static_cast<std::uint32_t>(usable_cpus().size());
    const std::uint32_t allowed = connections_allowed(shard_count);
    const std::uint32_t connection_count_max =
        config.max_connections != 0 ? config.max_connections : allowed;

    // Signals are for this thread alone, so they are blocked before any other starts. A peer that is gone
    // is an error of its send, not a signal.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);

    const auto listeners = Listeners::open(config, shard_count);
    if (!listeners) {
        return fail_setting(listeners.error());
    }
    shard::ShardOptions options = shard_options(config, connection_count_max);
    if (const auto applied = apply_kernel_overrides(options.backend); !applied) {
        return fail_setting(applied.error());
    }
    Shards shards(shard_count, directory_limits(config, connection_count_max));
    const ticket::Policy ticket_policy{!config.ticket_optional, config.ticket_single_use,
                                       config.ticket_audience};
    const auto started =
        shards.start(options, *listeners, tls_context, ticket_keys, ticket_policy, config.pin);
    if (!started) {
        shards.stop();
        std::fprintf(stderr, "tickwire: %s\n", started.error().message.c_str());
        return exit_no_io_uring;
    }
    spdlog::info("kernel: {}", features->summary);
    spdlog::info("{} shards, {} connections at most, {} ticks a second, slots of at most {} us",
                 shard_count, connection_count_max, config.tick_hz, config.slot_us);
    if (connection_count_max > allowed) {
        spdlog::warn("the limit on open files allows only {} connections", allowed);
    }
    if (ticket_keys != nullptr) {
        spdlog::info("joining {} a ticket: {} keys", config.ticket_optional ? "may bring" : "needs",
                     ticket_keys->count());
    } else {
        spdlog::info("joining needs no ticket (ticket-key and ticket-jwks are not set)");
    }
    if (config.origins.empty()) {
        spdlog::info("web pages of every origin may connect (origins is not set)");
    }
    std::optional<KeyWatcher> key_watcher;
    if (ticket_keys != nullptr) {
        key_watcher.emplace(sources, [&shards](const auto& keys) { shards.give_ticket_keys(keys); });
    }
    for (const std::string& line : listeners->lines()) {
        std::printf("%s\n", line.c_str());
    }
    std::fflush(stdout);

    int signal = 0;
    while (::sigwait(&signals, &signal) == 0 && signal == SIGUSR1) {
        shards.log_counters();
    }
    spdlog::info("stopping on signal {}", signal);
    key_watcher.reset();
    shards.stop();
    shards.log_counters();
    return exit_done;
}

}  // namespace tickwire::service

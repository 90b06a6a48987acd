#include "service/webhooks.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <random>

#include "base/time.hpp"
#include "service/post_client.hpp"
#include "wire/json_writer.hpp"

namespace tickwire::service {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds gather_interval{50};
constexpr milliseconds report_interval{10'000};
constexpr milliseconds first_pause{500};
constexpr milliseconds longest_pause{60'000};
/// What a stop waits for what is still to be sent, and then for threads to notice. A stop takes less than
/// 2 s, of which the shards may use 1.5.
constexpr milliseconds farewell_time{250};
constexpr milliseconds patience{150};
constexpr std::size_t batch_count_max = 100;
constexpr std::size_t batch_size_max = 64 * 1024;

std::string hex(const std::uint8_t* bytes, std::size_t size) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (std::size_t index = 0; index < size; ++index) {
        text += digits[bytes[index] >> 4U];
        text += digits[bytes[index] & 15U];
    }
    return text;
}

std::string random_name() {
    std::array<std::uint8_t, 8> bytes{};
    static_cast<void>(::getrandom(bytes.data(), bytes.size(), 0));
    return hex(bytes.data(), bytes.size());
}

std::string_view type_of(shard::Notice::Kind kind) {
    switch (kind) {
        case shard::Notice::Kind::match_opened:
            return "match.opened";
        case shard::Notice::Kind::player_joined:
            return "player.joined";
        case shard::Notice::Kind::player_left:
            return "player.left";
        case shard::Notice::Kind::match_closed:
            return "match.closed";
    }
    return {};
}

std::string_view text_of(wire::LeftReason reason) {
    switch (reason) {
        case wire::LeftReason::left:
            return "left";
        case wire::LeftReason::closed:
            return "closed";
        case wire::LeftReason::timeout:
            return "timeout";
        case wire::LeftReason::kicked:
            return "kicked";
    }
    return {};
}

/// When that was, on the clock that people use.
std::uint64_t unix_ms(base::Time at) {
    const auto since = std::chrono::steady_clock::now().time_since_epoch() - at.time_since_epoch();
    const auto then = std::chrono::system_clock::now() - since;
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<milliseconds>(then.time_since_epoch()).count());
}

void write_player(const shard::Notice& notice, wire::JsonObject& object) {
    const bool is_joining = notice.kind == shard::Notice::Kind::player_joined;
    if (!is_joining && notice.kind != shard::Notice::Kind::player_left) {
        return;
    }
    object.number("player", notice.player);
    object.text("name", notice.name.view());
    object.text("lane", notice.is_plain ? "plain" : "game");
    object.text("subject", notice.subject.view());
    if (is_joining) {
        object.text("address", notice.peer.text());
    } else {
        object.text("reason", text_of(notice.reason));
    }
}

}  // namespace

std::string sign_webhook(std::string_view secret, std::int64_t unix_time, std::string_view body) {
    const std::string signed_text = std::to_string(unix_time) + "." + std::string(body);
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    ::HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const std::uint8_t*>(signed_text.data()), signed_text.size(), digest.data(),
           &size);
    return "v1=" + hex(digest.data(), size);
}

// --- one receiver

struct Webhooks::Receiver {
    using Event = std::shared_ptr<const std::string>;  ///< JSON, the same for all receivers
    using Answer = tl::expected<PostClient::Answer, std::string>;
    enum class Outcome : std::uint8_t { sent, failed, out_of_time };

    Receiver(WebhookUrl to, const WebhookSettings& chosen, std::string run_name)
        : settings(chosen),
          name(to.name()),
          run(std::move(run_name)),
          client(std::move(to), chosen.ca_file, chosen.timeout) {}

    void add(const Event& event);
    void work();
    /// What waits is sent until then; nothing is begun after it.
    void ask_to_stop(Clock::time_point when);
    bool wait_until_done(Clock::time_point when);

    std::vector<Event> take_batch(std::unique_lock<std::mutex>& lock);
    Outcome deliver(const std::vector<Event>& batch);
    Answer post(const std::string& body, const std::string& delivery, std::uint32_t attempt);
    milliseconds pause_after(std::uint32_t attempt, const Answer& answer);
    /// False: there is no time for it.
    bool rest(milliseconds pause);
    void note_failure(const Answer& answer);
    void note_success();

    const WebhookSettings settings;
    const std::string name;
    const std::string run;
    PostClient client;
    std::minstd_rand random{std::random_device{}()};
    std::uint64_t delivery_count = 0;
    bool is_down = false;

    std::mutex mutex;  ///< of what follows
    std::condition_variable changed;
    std::deque<Event> queue;  ///< what is being delivered stays in it until that is over
    std::optional<Clock::time_point> stop_at;
    bool is_done = false;

    std::thread thread;
    std::atomic<std::uint64_t> sent{0};
    std::atomic<std::uint64_t> failed{0};
    std::atomic<std::uint64_t> dropped{0};
    std::atomic<std::uint64_t> attempts_failed{0};
    std::atomic<std::uint64_t> waiting{0};
};

void Webhooks::Receiver::add(const Event& event) {
    {
        const std::lock_guard lock(mutex);
        if (queue.size() >= settings.queue_max) {
            ++dropped;
            return;
        }
        queue.push_back(event);
        waiting = queue.size();
    }
    changed.notify_all();
}

std::vector<Webhooks::Receiver::Event> Webhooks::Receiver::take_batch(std::unique_lock<std::mutex>& lock) {
    changed.wait(lock, [this] { return !queue.empty() || stop_at; });
    std::vector<Event> batch;
    std::size_t size = 0;
    for (const Event& event : queue) {
        size += event->size() + 1;
        if (batch.size() == batch_count_max || (size > batch_size_max && !batch.empty())) {
            break;
        }
        batch.push_back(event);
    }
    return batch;
}

void Webhooks::Receiver::work() {
    std::unique_lock lock(mutex);
    while (true) {
        const std::vector<Event> batch = take_batch(lock);
        const bool is_out_of_time = stop_at && Clock::now() >= *stop_at;
        if (batch.empty() || is_out_of_time) {
            break;
        }
        lock.unlock();
        const Outcome outcome = deliver(batch);
        lock.lock();
        if (outcome == Outcome::out_of_time) {
            break;
        }
        (outcome == Outcome::sent ? sent : failed) += batch.size();
        queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(batch.size()));
        waiting = queue.size();
    }
    dropped += queue.size();
    queue.clear();
    waiting = 0;
    is_done = true;
    changed.notify_all();
}

Webhooks::Receiver::Outcome Webhooks::Receiver::deliver(const std::vector<Event>& batch) {
    const std::string delivery = run + "-" + std::to_string(delivery_count++);
    std::string body = "{\"delivery\":\"" + delivery + "\",\"events\":[";
    for (const Event& event : batch) {
        body += event == batch.front() ? "" : ",";
        body += *event;
    }
    body += "]}";
    for (std::uint32_t attempt = 0;; ++attempt) {
        const Answer answer = post(body, delivery, attempt);
        const int status = answer ? answer->status : 0;
        if (status >= 200 && status < 300) {
            note_success();
            return Outcome::sent;
        }
        ++attempts_failed;
        note_failure(answer);
        const bool is_final =
            status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
        if (is_final || attempt == settings.retry_count) {
            return Outcome::failed;
        }
        if (!rest(pause_after(attempt, answer))) {
            return Outcome::out_of_time;
        }
    }
}

Webhooks::Receiver::Answer Webhooks::Receiver::post(const std::string& body, const std::string& delivery,
                                                    std::uint32_t attempt) {
    const auto unix_time = std::chrono::duration_cast<std::chrono::seconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
    return client.post({{"Content-Type", "application/json"},
                        {"User-Agent", "tickwire"},
                        {"X-Tickwire-Delivery", delivery},
                        {"X-Tickwire-Attempt", std::to_string(attempt + 1)},
                        {"X-Tickwire-Timestamp", std::to_string(unix_time)},
                        {"X-Tickwire-Signature", sign_webhook(settings.secret, unix_time, body)}},
                       body);
}

/// Twice as long each time, and somewhere between half of it and all, so that relays that lost one backend
/// do not come back to it in one moment.
milliseconds Webhooks::Receiver::pause_after(std::uint32_t attempt, const Answer& answer) {
    milliseconds pause = std::min(first_pause * (std::int64_t{1} << std::min(attempt, 10U)), longest_pause);
    pause =
        pause / 2 + milliseconds(std::uniform_int_distribution<std::int64_t>(0, pause.count() / 2)(random));
    const auto asked = answer ? answer->retry_after : std::nullopt;
    return std::max(pause, std::min<milliseconds>(asked.value_or(std::chrono::seconds(0)), longest_pause));
}

bool Webhooks::Receiver::rest(milliseconds pause) {
    const auto end = Clock::now() + pause;
    std::unique_lock lock(mutex);
    return !changed.wait_until(lock, end, [this, end] { return stop_at && *stop_at < end; });
}

void Webhooks::Receiver::note_failure(const Answer& answer) {
    if (!std::exchange(is_down, true)) {
        spdlog::warn("webhook {}: {}; tried again, up to {} times", name,
                     answer ? "answered " + std::to_string(answer->status) : answer.error(),
                     settings.retry_count);
    }
}

void Webhooks::Receiver::note_success() {
    if (std::exchange(is_down, false)) {
        spdlog::info("webhook {}: answers again", name);
    }
}

void Webhooks::Receiver::ask_to_stop(Clock::time_point when) {
    {
        const std::lock_guard lock(mutex);
        stop_at = when;
    }
    changed.notify_all();
}

bool Webhooks::Receiver::wait_until_done(Clock::time_point when) {
    std::unique_lock lock(mutex);
    return changed.wait_until(lock, when, [this] { return is_done; });
}

// --- all of them

struct Webhooks::Stop {
    std::mutex mutex;
    std::condition_variable asked;
    bool is_asked = false;
};

Webhooks::Webhooks(const WebhookSettings& settings, std::uint32_t shard_count)
    : rings_(shard_count),
      run_(random_name()),
      event_count_(shard_count, 0),
      stop_(std::make_unique<Stop>()) {
    for (const WebhookUrl& url : settings.urls) {
        receivers_.push_back(std::make_unique<Receiver>(url, settings, run_));
        receivers_.back()->thread = std::thread([receiver = receivers_.back().get()] {
            ::pthread_setname_np(::pthread_self(), "webhook");
            receiver->work();
        });
    }
    gatherer_ = std::thread([this] {
        ::pthread_setname_np(::pthread_self(), "webhooks");
        gather();
    });
}

Webhooks::~Webhooks() {
    {
        const std::lock_guard lock(stop_->mutex);
        stop_->is_asked = true;
    }
    stop_->asked.notify_one();
    gatherer_.join();
    const auto end = Clock::now() + farewell_time;
    for (const auto& receiver : receivers_) {
        receiver->ask_to_stop(end);
    }
    for (const auto& receiver : receivers_) {
        if (!receiver->wait_until_done(end)) {
            receiver->client.cancel();
        }
    }
    std::uint64_t lost = 0;
    for (auto& receiver : receivers_) {
        const bool is_done = receiver->wait_until_done(end + patience);
        lost += receiver->failed + receiver->dropped + receiver->waiting;
        if (is_done) {
            receiver->thread.join();
        } else {
            receiver->thread.detach();
            static_cast<void>(receiver.release());  // its thread's now, to the end of the process
        }
    }
    if (lost != 0) {
        spdlog::warn("webhooks: {} events were never delivered", lost);
    }
}

std::vector<Webhooks::Report> Webhooks::reports() const {
    std::vector<Report> reports;
    for (const auto& receiver : receivers_) {
        reports.push_back({receiver->sent, receiver->failed, receiver->dropped, receiver->attempts_failed,
                           receiver->waiting});
    }
    return reports;
}

void Webhooks::gather() {
    std::unique_lock lock(stop_->mutex);
    std::uint64_t lost_told = 0;
    auto next_report = Clock::now() + report_interval;
    while (!stop_->asked.wait_for(lock, gather_interval, [this] { return stop_->is_asked; })) {
        gather_once();
        if (Clock::now() >= next_report) {
            std::uint64_t lost = 0;
            for (const Report& report : reports()) {
                lost += report.failed + report.dropped;
            }
            if (lost != lost_told) {
                spdlog::warn("webhooks: {} more events were given up or found no room in the queue",
                             lost - lost_told);
                lost_told = lost;
            }
            next_report = Clock::now() + report_interval;
        }
    }
    gather_once();
}

void Webhooks::gather_once() {
    for (std::uint32_t shard = 0; shard < rings_.size(); ++shard) {
        rings_[shard].take_all([this, shard](const shard::Notice& notice) {
            const std::string prefix = run_ + "-" + std::to_string(shard) + "-";
            std::string json;
            {
                wire::JsonObject object(json);
                object.text("id", prefix + std::to_string(event_count_[shard]++));
                object.text("type", type_of(notice.kind));
                object.number("time_ms", unix_ms(notice.at));
                object.text("match", notice.match.view());
                object.text("opening", prefix + std::to_string(notice.opening));
                write_player(notice, object);
            }
            const auto event = std::make_shared<const std::string>(std::move(json));
            for (const auto& receiver : receivers_) {
                receiver->add(event);
            }
        });
    }
}

}  // namespace tickwire::service

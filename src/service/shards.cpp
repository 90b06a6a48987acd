#include "service/shards.hpp"

#include <pthread.h>
#include <sched.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>
#include <string>
#include <string_view>

#include "base/check.hpp"

namespace tickwire::service {

/// Tokens from the kernel's generator: 128 bits as 22 characters.
struct Shards::Tokens final : public match::TokenSource {
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

namespace {

std::int64_t unix_time() noexcept {
    return ::time(nullptr);
}

void pin_thread(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    if (::pthread_setaffinity_np(::pthread_self(), sizeof set, &set) != 0) {
        spdlog::warn("cannot pin a shard to CPU {}", cpu);
    }
}

}  // namespace

Shards::Shards(std::uint32_t shard_count, const shard::DirectoryLimits& limits)
    : directory_(shard_count, limits),
      tokens_(std::make_unique<Tokens>()),
      published_(shard_count),
      slots_seen_(shard_count) {
    for (std::uint32_t index = 0; index < shard_count; ++index) {
        owned_doors_.push_back(std::make_unique<shard::Door>());
        doors_.push_back(owned_doors_.back().get());
    }
}

Shards::~Shards() {
    stop();
}

tl::expected<void, uring::SetupError> Shards::start(const shard::ShardOptions& options,
                                                    const Listeners& listeners,
                                                    const std::shared_ptr<tls::TlsContext>& tls_context,
                                                    const Tickets& tickets, const RingsOf& rings_of,
                                                    Pinning pinning,
                                                    std::vector<match::MatchSnapshot> legacy) {
    // Large ones first, so that each shard gets its share of them.
    std::ranges::stable_sort(legacy, std::ranges::greater{},
                             [](const match::MatchSnapshot& match) { return match.slots.size(); });
    std::vector<std::vector<const match::MatchSnapshot*>> legacy_of_shard(doors_.size() + 1);
    for (const match::MatchSnapshot& match : legacy) {
        legacy_of_shard[directory_.place(match.name)].push_back(&match);  // the last one: no room
    }
    if (!legacy_of_shard.back().empty()) {
        spdlog::warn("max-matches allows {} matches less than the process before had",
                     legacy_of_shard.back().size());
    }
    const std::vector<int> cpus = usable_cpus();
    std::vector<std::future<tl::expected<void, uring::SetupError>>> started;
    for (std::uint32_t index = 0; index < doors_.size(); ++index) {
        shard::ShardSetting setting;
        setting.index = index;
        setting.listeners = listeners.of_shard(index);
        setting.tls_context = tls_context;
        setting.directory = &directory_;
        setting.doors = doors_;
        setting.tokens = tokens_.get();
        setting.published = &published_[index];
        const Rings rings = rings_of(index);
        setting.notices = rings.notices;
        setting.incidents = rings.incidents;
        setting.ticket_keys = tickets.keys;
        setting.ticket_policy = tickets.policy;
        setting.unix_time = &unix_time;
        setting.legacy.matches = std::move(legacy_of_shard[index]);
        std::promise<tl::expected<void, uring::SetupError>> ready;
        started.push_back(ready.get_future());
        const int cpu = pinning == Pinning::one_cpu_each ? cpus[index % cpus.size()] : -1;
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

void Shards::stop() {
    for (shard::Door* const door : doors_) {
        door->ask_to_stop();
    }
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
}

Shards::Left Shards::leave(const shard::Farewell& farewell) {
    using Snapshots = std::vector<std::vector<std::uint8_t>>;
    std::vector<std::future<Snapshots>> answers;
    for (shard::Door* const door : doors_) {
        auto promise = std::make_shared<std::promise<Snapshots>>();
        answers.push_back(promise->get_future());
        door->ask(
            [promise, farewell](shard::Control& control) { promise->set_value(control.leave(farewell)); });
    }
    Left left;
    const auto deadline = std::chrono::steady_clock::now() + leave_timeout;
    for (std::future<Snapshots>& answer : answers) {
        if (answer.wait_until(deadline) != std::future_status::ready) {
            ++left.shards_silent;
            continue;
        }
        Snapshots snapshots = answer.get();
        std::ranges::move(snapshots, std::back_inserter(left.matches));
    }
    return left;
}

void Shards::tell_all(const shard::Request& request) {
    for (shard::Door* const door : doors_) {
        door->ask(request);
    }
}

bool Shards::have_all_run() {
    bool have_run = true;
    for (std::uint32_t index = 0; index < published_.size(); ++index) {
        const std::uint64_t slots = published_[index].read().slots;
        have_run = have_run && slots != slots_seen_[index];
        slots_seen_[index] = slots;
    }
    return have_run;
}

}  // namespace tickwire::service

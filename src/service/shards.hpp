// The threads of the relay: one for each shard, their doors and their counters.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "service/listeners.hpp"
#include "shard/control.hpp"
#include "shard/shard.hpp"
#include "uring/backend.hpp"

namespace tickwire::service {

/// The CPUs that the process may use.
std::vector<int> usable_cpus();

/// Made, started and stopped by the main thread; ask() and the readers may be called from any.
class Shards {
  public:
    Shards(std::uint32_t shard_count, const shard::DirectoryLimits& limits);
    ~Shards();
    Shards(const Shards&) = delete;
    Shards& operator=(const Shards&) = delete;

    /// What tickets are held against at first; without keys nobody needs one.
    struct Tickets {
        std::shared_ptr<const ticket::KeySet> keys;
        ticket::Policy policy;
    };
    /// Where a shard tells of what happens; null: nowhere.
    struct Rings {
        shard::NoticeRing* notices = nullptr;
        shard::IncidentRing* incidents = nullptr;
    };
    using RingsOf = std::function<Rings(std::uint32_t shard)>;
    enum class Pinning : std::uint8_t { none, one_cpu_each };
    /// Starts every shard, and returns when all accept; or the first one's error. `legacy`: the matches of
    /// the process before, which are spread over however many shards there are.
    tl::expected<void, uring::SetupError> start(const shard::ShardOptions& options,
                                                const Listeners& listeners,
                                                const std::shared_ptr<tls::TlsContext>& tls_context,
                                                const Tickets& tickets, const RingsOf& rings_of,
                                                Pinning pinning,
                                                std::vector<match::MatchSnapshot> legacy = {});
    /// Members are told to come back, and every thread ends.
    void stop();
    /// The same, but it returns at once with what the next process needs, while the shards see their
    /// members off; stop() must follow. A shard that is stuck leaves nothing.
    struct Left {
        std::vector<std::vector<std::uint8_t>> matches;  ///< encoded
        std::uint32_t shards_silent = 0;
    };
    Left leave(const shard::Farewell& farewell);

    std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(doors_.size()); }
    shard::Directory& directory() noexcept { return directory_; }
    const shard::Directory& directory() const noexcept { return directory_; }
    /// As the shard published them, at most a quarter of a second ago.
    shard::ShardCounters counters(std::uint32_t shard) const { return published_[shard].read(); }

    /// Tells a shard, without waiting.
    void tell(std::uint32_t shard, shard::Request request) { doors_[shard]->ask(std::move(request)); }
    void tell_all(const shard::Request& request);

    /// What a shard answers; empty where it does not in time: it is stuck, or has ended.
    template <typename Question>
    auto ask(std::uint32_t shard, Question question)
        -> std::optional<decltype(question(std::declval<shard::Control&>()))> {
        using Answer = decltype(question(std::declval<shard::Control&>()));
        auto promise = std::make_shared<std::promise<Answer>>();
        std::future<Answer> answer = promise->get_future();
        tell(shard, [promise, question = std::move(question)](shard::Control& control) {
            promise->set_value(question(control));
        });
        if (answer.wait_for(answer_timeout) != std::future_status::ready) {
            return std::nullopt;
        }
        return answer.get();
    }

    /// True where every shard has run slots since the last call: what the watchdog is fed by.
    bool have_all_run();

  private:
    static constexpr std::chrono::seconds answer_timeout{2};
    static constexpr std::chrono::seconds leave_timeout{1};  ///< of the 2 s that a stop may take

    struct Tokens;
    shard::Directory directory_;
    std::unique_ptr<Tokens> tokens_;
    std::vector<std::unique_ptr<shard::Door>> owned_doors_;
    std::vector<shard::Door*> doors_;
    std::vector<shard::PublishedCounters> published_;
    std::vector<std::uint64_t> slots_seen_;
    std::vector<std::thread> threads_;
};

}  // namespace tickwire::service

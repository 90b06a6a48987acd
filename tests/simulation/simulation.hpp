// One run: shards over one directory, a world around them, clients of every kind, from a seed.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "member_view.hpp"
#include "oracles.hpp"
#include "plain_client.hpp"
#include "random.hpp"
#include "shard/directory.hpp"
#include "shard/door.hpp"
#include "shard/shard.hpp"
#include "stage.hpp"
#include "virtual_client.hpp"
#include "world.hpp"

namespace tickwire::simulation {

struct Outcome {
    std::uint64_t hash;
    std::uint64_t client_count;
    std::uint64_t tick_messages;
    std::uint64_t events;
    std::uint64_t resumes;
    std::uint64_t replays;  ///< resumes with all that was missed
    std::uint64_t moves;
    std::uint64_t passes;  ///< to a shard with fewer handshakes in flight
    std::uint64_t skips;
    std::uint64_t restarts;
    std::uint64_t handshakes;
    std::uint64_t tickets;
    std::uint64_t deferrals;  ///< of newcomers, to a later slot
};

/// Tokens that differ, and are the same in the next run.
class SeededTokens final : public match::TokenSource {
  public:
    explicit SeededTokens(Random random) noexcept : random_(random) {}
    match::ResumeToken next_token() noexcept override;

  private:
    Random random_;
};

class Simulation {
  public:
    explicit Simulation(std::uint64_t seed);
    ~Simulation();

    Outcome run();

  private:
    struct ShardSeat {
        std::unique_ptr<shard::Shard> shard;
        Time starved_until{};
    };

    void open_shards();
    /// All shards end, others go on with what they left: as `systemctl restart` has it.
    void restart();
    void end_shards();
    void add_actor();
    void play(Duration time);
    void settle();
    void check_settled();
    void empty_out();
    void stop();
    void step();
    void jump(Duration time);
    void step_for(Duration time);
    void step_shards();
    void collect();

    Random random_;
    World world_;
    Oracles oracles_;
    bool is_crowded_;
    bool has_tls_;
    bool shares_listeners_ = false;  ///< every shard accepts from all sockets, as from systemd's
    Stage stage_;
    SeededTokens tokens_;
    std::uint32_t shard_count_;
    std::size_t actor_count_;
    bool wraps_ticks_;  ///< the clock jumps to where tick numbers pass 65,536
    shard::DirectoryLimits directory_limits_;
    std::unique_ptr<shard::Directory> directory_;
    shard::Legacy legacy_;  ///< of the shards before
    std::vector<std::unique_ptr<shard::Door>> doors_;
    std::vector<shard::Door*> door_list_;
    std::vector<ShardSeat> seats_;
    std::vector<std::unique_ptr<Actor>> actors_;
    std::vector<VirtualClient*> clients_;  ///< those among the actors
    Outcome outcome_{};
};

}  // namespace tickwire::simulation

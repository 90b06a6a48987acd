// What all members of a run share. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "client/random.hpp"
#include "swarm/options.hpp"
#include "swarm/report.hpp"
#include "tickwire/client.hpp"
#include "tickwire/websocket.hpp"
#include "tls/tls_engine.hpp"
#include "uring/backend.hpp"

namespace tickwire::swarm {

class Member;

/// One match as its members know it together.
struct Room {
    std::string name;
    std::vector<Member*> by_player;  ///< null where nobody of ours has the number
    std::uint32_t receiver_count = 0;
    std::vector<bool>
        ticks;  ///< by number: any member received it. The relay leaves numbers out when it is late
};

/// Ticks that a member did not get before a keyframe: those between the two that others of its room got
/// were skipped for it. Judged at the end, when all are in.
struct Gap {
    std::uint32_t room;
    std::uint32_t last;  ///< received before it
    std::uint32_t next;  ///< the keyframe
};

/// When what is sent counts. Empty until the warm-up is planned.
struct Window {
    base::Time from = base::Time::max();
    base::Time to = base::Time::max();
    bool holds(base::Time time) const noexcept { return time >= from && time < to; }
};

struct Crowd {
    Crowd(const SwarmOptions& options_in, std::uint64_t key_seed)
        : options(options_in),
          environment(key_seed),
          random(key_seed ^ 0x5eed),
          plaintext(std::size_t{17} * 1024) {}

    const SwarmOptions& options;
    client::Environment environment;
    // Of those who speak another protocol than the relay's: see Talk.
    client::Random random;
    websocket::HeapBufferSource heap;
    std::vector<std::uint8_t> message;  ///< one, before it is masked
    std::vector<std::uint8_t> pattern;  ///< a frame of the floor's

    std::shared_ptr<tls::TlsContext> tls_context;
    uring::Backend* backend = nullptr;
    base::Time now{};
    Window window;
    Observations seen;
    std::vector<Room> rooms;
    std::vector<Gap> gaps;
    std::vector<std::uint8_t> plaintext;  ///< TLS decrypts into it
    std::vector<std::uint8_t> clear;      ///< output on its way into TLS
    std::uint32_t joined_count = 0;
    std::uint32_t pending_count = 0;  ///< connections begun that have not joined
    std::uint32_t ended_count = 0;    ///< that ended before they were told to
    std::uint32_t closed_count = 0;   ///< whose descriptor is closed
    std::uint32_t answer_count = 0;   ///< PONGs to the last question, see Member::ask()
    std::uint32_t absent_count = 0;   ///< whose connection ended, and who is on its way back
    bool is_leaving = false;          ///< ends are expected now
    std::string first_end;            ///< why the first connection ended too early
    std::string first_wrong_return;   ///< and of what else must not be the first, with its time
    std::string first_wrong_state;
    std::string first_wrong_event;

    client::Time client_now() const noexcept { return now.time_since_epoch(); }

    void note_first(std::string& first, const std::string& what) const {
        if (first.empty()) {
            const double passed_s = std::chrono::duration<double>(now - window.from).count();
            first = what + (passed_s < 0 ? std::string(", before the measurement")
                                         : ", " + std::to_string(passed_s) + " s into the measurement");
        }
    }
};

}  // namespace tickwire::swarm

// The job that every peer does, for those in C++: keep the latest state of each member, and on each tick
// make one message for each match of the states that came since the last one (bench/README.md).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tickwire::peers {

struct Options {
    int hz = 30;
    std::string certificate;  ///< empty: no TLS
    std::string key;

    bool has_tls() const { return !certificate.empty(); }
};

/// `--hz N`, `--certificate FILE`, `--key FILE`.
inline Options read_options(int argument_count, char** arguments) {
    Options options;
    for (int at = 1; at + 1 < argument_count; at += 2) {
        const std::string_view name = arguments[at];
        if (name == "--hz") {
            options.hz = std::atoi(arguments[at + 1]);
        } else if (name == "--certificate") {
            options.certificate = arguments[at + 1];
        } else if (name == "--key") {
            options.key = arguments[at + 1];
        }
    }
    return options;
}

inline void tell_listening(const Options& options, unsigned port) {
    std::printf("listening %s://127.0.0.1:%u\n", options.has_tls() ? "wss" : "ws", port);
    std::fflush(stdout);
}

/// The ticks of a clock that does not drift; what was missed is left out.
class TickClock {
  public:
    using Clock = std::chrono::steady_clock;

    explicit TickClock(int hz)
        : period_(std::chrono::nanoseconds(std::chrono::seconds(1)) / hz), next_(Clock::now()) {}

    Clock::time_point next() {
        const auto now = Clock::now();
        next_ += period_ * std::max<std::int64_t>(1, (now - next_) / period_ + 1);
        return next_;
    }

  private:
    std::chrono::nanoseconds period_;
    Clock::time_point next_;
};

constexpr std::string_view match_prefix = "/v1/match/";

/// `Member` is the peer's connection: it has `std::vector<std::uint8_t> state` and `Match<Member>* match`.
template <typename Member>
struct Match {
    std::string name;
    std::vector<Member*> members;
    std::vector<Member*> fresh;  ///< with a state since the last tick
};

template <typename Member>
class Matches {
  public:
    void join(Member& member, std::string_view path) {
        const std::string name(path.substr(std::min(path.size(), match_prefix.size())));
        Match<Member>& match = by_name_[name];
        match.name = name;
        match.members.push_back(&member);
        member.match = &match;
    }

    void leave(Member& member) {
        Match<Member>& match = *member.match;
        std::erase(match.members, &member);
        std::erase(match.fresh, &member);
        member.match = nullptr;
        if (match.members.empty()) {
            by_name_.erase(std::string(match.name));
        }
    }

    /// The latest wins.
    static void latest(Member& member, std::span<const std::uint8_t> state) {
        if (member.state.empty()) {
            member.match->fresh.push_back(&member);
        }
        member.state.assign(state.begin(), state.end());
    }

    /// send(match, append) for each match in which somebody sent; append(to) adds its message to a vector.
    template <typename Send>
    void tick(Send send) {
        for (auto& [name, match] : by_name_) {
            if (!match.fresh.empty()) {
                send(match, [&match](std::vector<std::uint8_t>& to) {
                    for (Member* const member : match.fresh) {
                        to.insert(to.end(), member->state.begin(), member->state.end());
                        member->state.clear();
                    }
                    match.fresh.clear();
                });
            }
        }
    }

  private:
    std::map<std::string, Match<Member>> by_name_;
};

}  // namespace tickwire::peers

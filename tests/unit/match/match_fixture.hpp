// A match with reference clients at its outlet, and a clock that the test moves.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "match/match.hpp"
#include "recording_outlet.hpp"
#include "reference_client.hpp"

namespace tickwire::match {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Lines = std::vector<std::string>;

class CountingTokens final : public TokenSource {
  public:
    ResumeToken next_token() noexcept override {
        ResumeToken token;
        char text[token.size() + 1];
        std::snprintf(text, sizeof text, "token-%016u", ++count_);
        std::copy(text, text + token.size(), token.begin());
        return token;
    }

  private:
    unsigned count_ = 0;
};

class MatchTest : public ::testing::Test {
  protected:
    explicit MatchTest(std::size_t pool_size = std::size_t{256} << 20) : pool(pool_size) {}

    MatchOptions options;
    base::BufferPool pool;
    RecordingOutlet outlet;
    CountingTokens tokens;
    MatchCounters counters;
    base::Time now{seconds(100)};
    std::unique_ptr<Match> match;
    std::deque<ReferenceClient> clients;

    void TearDown() override {
        deliver();
        match.reset();
        clients.clear();
    }

    /// Opens the match in the past, if its tick numbers are to be high.
    void open(base::Duration ago = {}) {
        match = std::make_unique<Match>("arena", options, now - ago, pool, outlet, tokens, counters);
        match->run_tick(now);
    }

    tl::expected<Member, Refusal> try_join(ReferenceClient& client, const wire::Join& join,
                                           const Claims& claims = {}) {
        if (!match) {
            open();
        }
        client.connection = outlet.connect();
        const auto member = match->join(client.connection, join, now, claims);
        if (member) {
            client.member = *member;
        }
        deliver();
        return member;
    }
    ReferenceClient& join(std::string name, wire::Role role = wire::Role::player,
                          const Claims& claims = {}) {
        wire::Join request;
        request.name = std::move(name);
        request.role = role;
        clients.emplace_back();
        EXPECT_TRUE(try_join(clients.back(), request, claims));
        return clients.back();
    }
    ReferenceClient& spectate() { return join("", wire::Role::spectator); }
    ReferenceClient& join_plain() {
        if (!match) {
            open();
        }
        clients.emplace_back();
        ReferenceClient& client = clients.back();
        client.is_plain = true;
        client.connection = outlet.connect();
        const auto member = match->join_plain(client.connection, now);
        EXPECT_TRUE(member);
        client.member = member.value_or(0);
        deliver();
        return client;
    }
    ReferenceClient& resume(const ReferenceClient& before, std::optional<std::uint32_t> seen_event) {
        wire::Join request;
        request.resume = before.token;
        request.seen_event = seen_event;
        clients.emplace_back();
        EXPECT_TRUE(try_join(clients.back(), request));
        return clients.back();
    }
    static wire::Join player_named(std::string name) {
        wire::Join request;
        request.name = std::move(name);
        return request;
    }

    void disconnect(ReferenceClient& client, Ending ending) {
        outlet.link(client.connection).is_open = false;
        match->disconnect(client.member, ending, now);
    }

    /// Gives each client what its link has; a busy link keeps it.
    void deliver() {
        for (ReferenceClient& client : clients) {
            auto& link = outlet.link(client.connection);
            while (link.state != LinkState::busy && !link.messages.empty()) {
                client.take(link.messages.front());
                link.messages.pop_front();
            }
        }
    }
    void set_busy(ReferenceClient& client, bool is_busy) {
        outlet.link(client.connection).state = is_busy ? LinkState::busy : LinkState::idle;
    }
    std::uint16_t close_code(const ReferenceClient& client) {
        return outlet.link(client.connection).close_code;
    }

    /// Runs the next ticks, each at its time.
    void tick(int count = 1) {
        for (; count > 0; --count) {
            run_at(match->next_tick_due());
            report();
        }
    }
    /// What every client owes that has ever reported: a report of each tick within 250 ms.
    void report() {
        for (ReferenceClient& client : clients) {
            if (client.has_reported && client.reports_by_itself && outlet.link(client.connection).is_open &&
                client.newest_tick != client.reported_tick && now - client.reported >= milliseconds(200)) {
                ping(client, ReferenceClient::quiet_ping);
                finish_slot();
            }
        }
    }
    void run_at(base::Time when) {
        now = when;
        match->run_tick(now);
        match->finish_slot(now);
        deliver();
    }
    /// Runs all ticks of a span of time.
    void pass(base::Duration span) {
        const base::Time until = now + span;
        while (match->next_tick_due() <= until) {
            tick();
        }
        now = until;
    }
    void finish_slot() {
        match->finish_slot(now);
        deliver();
    }

    void state(ReferenceClient& client, std::string_view bytes, std::uint16_t seq = 0) {
        note_report(client);
        EXPECT_TRUE(match->take_state(client.member, {seq, client.seen(), base::as_bytes(bytes)}, now));
    }
    void ping(ReferenceClient& client, std::uint32_t client_time = 0) {
        note_report(client);
        match->take_ping(client.member, {client.seen(), client_time}, now);
    }
    void note_report(ReferenceClient& client) {
        client.has_reported = true;
        client.reported = now;
        client.reported_tick = client.newest_tick;
    }
    void event(ReferenceClient& client, protocol::Target target, std::string_view body,
               PlayerNumber to = 0) {
        EXPECT_TRUE(match->take_event(client.member, {{.target = target}, to, base::as_bytes(body)}, now));
        deliver();
    }
    void request(ReferenceClient& client, wire::Request what, std::optional<std::uint64_t> id = {}) {
        match->take_request(client.member, {std::move(what), id}, now);
        deliver();
    }
    void forget_logs() {
        for (ReferenceClient& client : clients) {
            client.log.clear();
        }
    }
};

}  // namespace tickwire::match

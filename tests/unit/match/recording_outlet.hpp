// An Outlet over vectors: takes frames apart and keeps each connection's messages in order.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "match/outlet.hpp"

namespace tickwire::match {

struct Message {
    websocket::Opcode opcode;
    std::vector<std::uint8_t> payload;
};

class RecordingOutlet final : public Outlet {
  public:
    struct Link {
        LinkState state = LinkState::idle;
        bool is_open = true;
        std::uint16_t close_code = 0;
        std::string close_reason;
        std::deque<Message> messages;               ///< not yet taken by the test
        const std::uint8_t* last_shared = nullptr;  ///< where the last shared frames lay
        std::size_t queued_size = 0;
        base::RateBuckets rates;
    };

    Connection connect() {
        links_.emplace_back();
        return {static_cast<std::uint32_t>(links_.size() - 1), 1};
    }
    Link& link(Connection connection) { return links_.at(connection.index); }

    LinkState link_state(Connection connection) noexcept override { return link(connection).state; }
    base::RateBuckets rates(Connection connection) noexcept override { return link(connection).rates; }

    void queue_frame(Connection connection, websocket::Opcode opcode,
                     base::Bytes payload) noexcept override {
        Link& to = link(connection);
        if (to.is_open) {
            to.messages.push_back({opcode, {payload.begin(), payload.end()}});
            to.queued_size += payload.size();
        }
    }

    void send_shared(Connection connection, const base::SharedBuffer& frames) noexcept override {
        Link& to = link(connection);
        EXPECT_NE(to.state, LinkState::busy) << "shared frames on a busy link";
        if (!to.is_open) {
            return;
        }
        to.last_shared = frames.bytes().data();
        base::Bytes rest = frames.bytes();
        EXPECT_FALSE(rest.empty());
        while (!rest.empty()) {
            EXPECT_EQ(rest[0] & 0xf0, 0x80) << "a whole frame, no reserved bits";
            std::size_t header = 2;
            std::size_t size = rest[1];
            if (size == 126) {
                size = static_cast<std::size_t>(rest[2] << 8 | rest[3]);
                header = 4;
            } else if (size == 127) {
                size = 0;
                for (std::size_t index = 2; index < 10; ++index) {
                    size = size << 8 | rest[index];
                }
                header = 10;
            }
            const base::Bytes payload = rest.subspan(header, size);
            to.messages.push_back(
                {static_cast<websocket::Opcode>(rest[0] & 0x0f), {payload.begin(), payload.end()}});
            rest = rest.subspan(header + size);
        }
    }

    void close(Connection connection, std::uint16_t code, std::string_view reason) noexcept override {
        Link& to = link(connection);
        EXPECT_TRUE(to.is_open) << "closed twice";
        to.is_open = false;
        to.close_code = code;
        to.close_reason = reason;
    }

    void on_player_joined(const PlayerSlot& slot, Connection connection) noexcept override {
        EXPECT_TRUE(link(connection).is_open);
        account.push_back("joined " + describe(slot));
    }
    void on_player_left(const PlayerSlot& slot, wire::LeftReason reason) noexcept override {
        account.push_back("left " + describe(slot) + " " + std::to_string(static_cast<int>(reason)));
    }
    std::vector<std::string> account;

  private:
    static std::string describe(const PlayerSlot& slot) {
        return std::string(slot.match) + " " + std::to_string(slot.player) + " '" + std::string(slot.name) +
               "' " + (slot.is_plain ? "plain" : "game") +
               (slot.subject.empty() ? "" : " " + std::string(slot.subject));
    }

    std::deque<Link> links_;
};

}  // namespace tickwire::match

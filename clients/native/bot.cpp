// A bot that joins a match and flies in a circle: bot ADDRESS PORT MATCH SECONDS
//
//     g++ -std=c++20 bot.cpp $(pkg-config --cflags --libs tickwire) -o bot
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <tickwire/client.hpp>

namespace client = tickwire::client;

client::Time now() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

struct Bot final : client::Handler {
    client::PlayerNumber me = tickwire::protocol::nobody;
    int states_of_others = 0;

    void on_welcome(const client::Welcome& welcome) override {
        me = welcome.player;
        std::printf("joined %s as player %u\n", std::string(welcome.match).c_str(), me);
    }
    void on_state(const client::StateView& state) override { states_of_others += state.player != me; }
    void on_ended(const client::Ended& ended) override {
        std::printf("ended with code %u: %s\n", ended.code, client::describe(ended.fault).data());
    }
};

int main(int argument_count, char** arguments) {
    if (argument_count != 5) {
        std::fprintf(stderr, "bot ADDRESS PORT MATCH SECONDS\n");
        return 2;
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(arguments[2])));
    inet_pton(AF_INET, arguments[1], &address.sin_addr);
    const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(socket_fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        std::perror("connect");
        return 1;
    }

    Bot bot;
    client::Environment environment(std::random_device{}());
    client::Client relay(environment, bot);
    const std::string host = std::string(arguments[1]) + ":" + arguments[2];
    if (!relay.connect({host, arguments[3]}, {.name = "bot"}, now())) {
        return 2;  // no name for a match
    }
    const client::Time begin = now();
    const client::Time end = begin + std::chrono::milliseconds(std::atoi(arguments[4]) * 1000);
    client::Time next_state = begin;
    std::vector<std::uint8_t> output;
    std::vector<std::uint8_t> input(65536);
    while (relay.phase() != client::Phase::over) {
        if (now() >= end && relay.phase() == client::Phase::joined) {
            relay.close(1000);
        }
        if (now() >= next_state) {
            next_state += std::chrono::milliseconds(33);
            const float angle = std::chrono::duration<float>(now() - begin).count();
            const float position[2] = {std::cos(angle), std::sin(angle)};
            relay.send_state({reinterpret_cast<const std::uint8_t*>(position), sizeof position}, now());
        }
        if (now() >= relay.next_deadline()) {
            relay.pass_time(now());
        }
        output.clear();
        relay.take_output(output);
        send(socket_fd, output.data(), output.size(), MSG_NOSIGNAL);  // blocks until all of it is taken
        pollfd readable{socket_fd, POLLIN, 0};
        if (poll(&readable, 1, 5) != 1) {
            continue;
        }
        const auto size = recv(socket_fd, input.data(), input.size(), 0);
        if (size > 0) {
            relay.receive({input.data(), static_cast<std::size_t>(size)}, now());
        } else {
            relay.lose_connection();
        }
    }
    std::printf("%d states of others\n", bot.states_of_others);
    return bot.me == tickwire::protocol::nobody;
}

// libwebsockets with its libuv loop (epoll), in the neutral format.
//
// A tick's message is made once for each match, with the room before it that lws writes a header to (the
// same for every member), and each member that can be written to writes it. One that could not before the
// next tick sends the newest.
#include <libwebsockets.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "../job.hpp"

namespace tickwire::peers {
namespace {

struct Member {
    std::vector<std::uint8_t> state;
    Match<Member>* match = nullptr;
    lws* connection = nullptr;
};

struct Server;

/// lws hands back the list item alone.
struct Timer {
    lws_sorted_usec_list_t item{};
    Server* server = nullptr;
};
static_assert(offsetof(Timer, item) == 0);

struct Server {
    explicit Server(const Options& options) : clock(options.hz) {}

    Timer timer{{}, this};
    TickClock clock;
    Matches<Member> matches;
    std::map<const Match<Member>*, std::vector<std::uint8_t>> messages;  // of the newest tick
    lws_context* context = nullptr;
};

Server& server_of(lws* connection) {
    return *static_cast<Server*>(lws_context_user(lws_get_context(connection)));
}

void write_latest(Member& member) {
    const auto found = server_of(member.connection).messages.find(member.match);
    if (found != server_of(member.connection).messages.end()) {
        std::vector<std::uint8_t>& message = found->second;
        lws_write(member.connection, message.data() + LWS_PRE, message.size() - LWS_PRE, LWS_WRITE_BINARY);
    }
}

void join(Member& member, lws* connection) {
    char path[128] = "";
    lws_hdr_copy(connection, path, sizeof path, WSI_TOKEN_GET_URI);
    member.connection = connection;
    server_of(connection).matches.join(member, path);
}

int on_event(lws* connection, lws_callback_reasons reason, void* user, void* bytes, std::size_t size) {
    auto* const member = static_cast<Member*>(user);
    switch (reason) {
        case LWS_CALLBACK_ESTABLISHED:
            join(*new (user) Member, connection);
            break;
        case LWS_CALLBACK_RECEIVE:
            Matches<Member>::latest(*member, {static_cast<const std::uint8_t*>(bytes), size});
            break;
        case LWS_CALLBACK_SERVER_WRITEABLE:
            write_latest(*member);
            break;
        case LWS_CALLBACK_CLOSED:
            server_of(connection).matches.leave(*member);
            member->~Member();
            break;
        default:
            break;
    }
    return 0;
}

void schedule(Server& server);

void on_tick(lws_sorted_usec_list_t* timer) {
    Server& server = *reinterpret_cast<Timer*>(timer)->server;
    server.matches.tick([&server](Match<Member>& match, auto append) {
        std::vector<std::uint8_t>& message = server.messages[&match];
        message.assign(LWS_PRE, 0);
        append(message);
        for (Member* const member : match.members) {
            lws_callback_on_writable(member->connection);
        }
    });
    schedule(server);
}

void schedule(Server& server) {
    const auto wait = std::chrono::duration_cast<std::chrono::microseconds>(server.clock.next() -
                                                                            TickClock::Clock::now());
    lws_sul_schedule(server.context, 0, &server.timer.item, on_tick,
                     std::max<std::int64_t>(wait.count(), 1));
}

}  // namespace
}  // namespace tickwire::peers

int main(int argument_count, char** arguments) {
    using namespace tickwire::peers;
    const Options options = read_options(argument_count, arguments);
    Server server(options);

    lws_set_log_level(LLL_ERR, nullptr);
    lws_protocols protocols[] = {{"state", on_event, sizeof(Member), 4096, 0, nullptr, 0}, {}};
    lws_context_creation_info info{};
    info.iface = "127.0.0.1";
    info.port = 0;
    info.protocols = protocols;
    info.user = &server;
    info.options = LWS_SERVER_OPTION_LIBUV;
    if (options.has_tls()) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = options.certificate.c_str();
        info.ssl_private_key_filepath = options.key.c_str();
    }
    server.context = lws_create_context(&info);
    if (server.context == nullptr) {
        return 1;
    }
    // lws's own handler stops its loop, after which lws_service() returns at once for ever.
    std::signal(SIGTERM, [](int /*signal*/) { std::_Exit(0); });
    tell_listening(
        options,
        static_cast<unsigned>(lws_get_vhost_listen_port(lws_get_vhost_by_name(server.context, "default"))));
    schedule(server);
    while (lws_service(server.context, 0) >= 0) {
    }
    lws_context_destroy(server.context);
    return 0;
}

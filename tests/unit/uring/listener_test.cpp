#include "uring/listener.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cstdlib>

#include "backend_fixture.hpp"

namespace tickwire::uring {
namespace {

int option_of(int descriptor, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(descriptor, level, name, &value, &size), 0);
    return value;
}

/// A folder that goes with the test.
class UnixListener : public testing::Test {
  protected:
    void SetUp() override { ASSERT_NE(mkdtemp(folder_), nullptr); }
    void TearDown() override {
        unlink(path().c_str());
        rmdir(folder_);
    }
    std::string path() const { return std::string(folder_) + "/socket"; }
    Address address() const { return parse_address("unix:" + path()).value(); }

  private:
    char folder_[32] = "/tmp/tickwire-XXXXXX";
};

TEST(Listener, port_0_names_the_port_that_it_got) {
    const int descriptor = open_listener(parse_address("127.0.0.1:0").value(), {}).value();
    const std::string text = format_address(bound_address(descriptor));
    EXPECT_TRUE(text.starts_with("127.0.0.1:"));
    EXPECT_FALSE(text.ends_with(":0"));
    EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
    close(descriptor);
}

TEST(Listener, each_shard_opens_its_own_on_the_same_port) {
    const int first = open_listener(parse_address("[::1]:0").value(), {}).value();
    const auto second = open_listener(bound_address(first), {});
    ASSERT_TRUE(second.has_value()) << second.error();
    close(*second);
    close(first);
}

TEST(Listener, says_which_address_is_taken) {
    const int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);  // without SO_REUSEPORT
    const Address any = parse_address("127.0.0.1:0").value();
    ASSERT_EQ(bind(plain, reinterpret_cast<const sockaddr*>(&any.storage), any.size), 0);
    ASSERT_EQ(listen(plain, 1), 0);
    const Address taken = bound_address(plain);
    const int before = open_descriptor_count();
    const auto listener = open_listener(taken, {});
    ASSERT_FALSE(listener.has_value());
    EXPECT_EQ(listener.error(),
              "cannot listen on " + format_address(taken) + ": bind: Address already in use");
    EXPECT_EQ(open_descriptor_count(), before);
    close(plain);
}

TEST(Listener, says_which_option_the_kernel_refuses) {
    SocketOptions options;
    options.congestion_control = "nosuch";
    const auto listener = open_listener(parse_address("127.0.0.1:0").value(), options);
    ASSERT_FALSE(listener.has_value());
    EXPECT_NE(listener.error().find("TCP_CONGESTION"), std::string::npos);
}

TEST(Listener, accepted_sockets_inherit_the_options) {
    SocketOptions options;
    options.defer_accept_s = 0;
    const int listener = open_listener(parse_address("127.0.0.1:0").value(), options).value();
    const int client = connect_to(bound_address(listener));
    const int accepted = accept(listener, nullptr, nullptr);
    EXPECT_EQ(option_of(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option_of(accepted, SOL_SOCKET, SO_SNDBUF), 65536);  // the kernel doubles it
    EXPECT_EQ(option_of(accepted, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 16384);
    EXPECT_EQ(option_of(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
    EXPECT_EQ(option_of(accepted, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option_of(accepted, IPPROTO_TCP, TCP_KEEPIDLE), 30);
    char name[16] = {};
    socklen_t size = sizeof name;
    ASSERT_EQ(getsockopt(accepted, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
    EXPECT_STREQ(name, "cubic");
    EXPECT_EQ(format_address(peer_address(accepted)), format_address(bound_address(client)));
    close(accepted);
    close(client);
    close(listener);
}

TEST_F(UnixListener, a_stale_socket_is_replaced) {
    close(open_listener(address(), {}).value());  // its file stays
    const auto listener = open_listener(address(), {});
    ASSERT_TRUE(listener.has_value()) << listener.error();
    close(connect_to(address()));
    close(*listener);
}

TEST_F(UnixListener, a_live_socket_is_left_alone) {
    const int live = open_listener(address(), {}).value();
    const auto second = open_listener(address(), {});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error(), "cannot listen on unix:" + path() + ": bind: Address already in use");
    close(connect_to(address()));
    close(live);
}

TEST_F(UnixListener, a_file_that_is_no_socket_is_left_alone) {
    const int file = open(path().c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(file);
    EXPECT_FALSE(open_listener(address(), {}).has_value());
    EXPECT_EQ(access(path().c_str(), F_OK), 0);
}

}  // namespace
}  // namespace tickwire::uring

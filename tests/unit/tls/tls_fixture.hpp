// Certificates made on the spot, and two engines that talk through memory.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tls/tls_engine.hpp"

namespace tickwire::tls {

/// A folder with a P-256 certificate for `localhost`, signed by itself, and its key; gone with the test.
class TestCertificate {
  public:
    TestCertificate();
    ~TestCertificate();
    TestCertificate(const TestCertificate&) = delete;
    TestCertificate& operator=(const TestCertificate&) = delete;

    std::string certificate_file() const { return folder_ + "/certificate.pem"; }
    std::string key_file() const { return folder_ + "/key.pem"; }
    /// Another file in that folder.
    std::string write(const std::string& name, const std::string& text) const;

  private:
    std::string folder_;
};

/// Ciphertext on its way, in memory that moves as it grows.
class Wire final : public CiphertextSink {
  public:
    base::MutableBytes room(std::size_t size) noexcept override;
    void commit(std::size_t size) noexcept override { size_ += size; }

    /// What was committed and not taken yet; at most `size_max` bytes of it, as a copy.
    std::vector<std::uint8_t> take(std::size_t size_max = SIZE_MAX);
    std::size_t size() const { return size_; }
    void reserve(std::size_t size) { bytes_.reserve(size); }
    void clear() { size_ = 0; }
    base::Bytes bytes() const { return {bytes_.data(), size_}; }
    std::size_t limit = SIZE_MAX;

  private:
    std::vector<std::uint8_t> bytes_;
    std::size_t size_ = 0;
};

std::shared_ptr<TlsContext> server_context(const TestCertificate& certificate,
                                           MinimumVersion minimum_version = MinimumVersion::tls_1_2);
std::shared_ptr<TlsContext> client_context();

/// A server's and a client's engine, and what each has sent.
struct Conversation {
    Conversation(const std::shared_ptr<TlsContext>& server_side,
                 const std::shared_ptr<TlsContext>& client_side);
    /// Exchanges, `part_size` bytes at a time, until both are done; false where one fails.
    bool shake_hands(std::size_t part_size = SIZE_MAX);
    /// What the reader makes of all that is on the wire, `part_size` bytes at a time.
    std::string read_all(TlsEngine& reader, Wire& from, Wire& answers, std::size_t part_size = SIZE_MAX);

    std::unique_ptr<TlsEngine> server;
    std::unique_ptr<TlsEngine> client;
    Wire to_client;
    Wire to_server;
    TlsStatus last = TlsStatus::ok;  ///< of read_all()
};

}  // namespace tickwire::tls

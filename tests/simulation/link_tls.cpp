#include "link_tls.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/check.hpp"

namespace tickwire::simulation {
namespace {

using base::check;

constexpr std::size_t record_header_size = 5;  // RFC 8446 section 5.1: type, version, length

std::string pem_of(BIO* bio) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    return {text, static_cast<std::size_t>(size)};
}

/// A key whose signatures all have one size, and a certificate that it signs itself.
tls::TlsContext::Files write_certificate(const std::filesystem::path& folder) {
    constexpr std::array<unsigned char, 32> secret{1, 2, 3};
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret.data(), secret.size()),
        &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    ASN1_TIME_set_string(X509_getm_notBefore(certificate.get()), "20200101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(certificate.get()), "20490101000000Z");
    X509_set_pubkey(certificate.get(), key.get());
    check(X509_sign(certificate.get(), key.get(), nullptr) != 0, "LinkTls: a certificate");
    tls::TlsContext::Files files{folder / "certificate.pem", folder / "key.pem"};
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_X509(bio.get(), certificate.get());
    std::ofstream(files.certificate) << pem_of(bio.get());
    BIO_reset(bio.get());
    PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::ofstream(files.key) << pem_of(bio.get());
    return files;
}

TlsContexts make_contexts() {
    std::string folder = std::filesystem::temp_directory_path() / "tickwire-simulator-XXXXXX";
    check(mkdtemp(folder.data()) != nullptr, "LinkTls: a folder for a certificate");
    const tls::TlsContext::Files files = write_certificate(folder);
    auto server = tls::TlsContext::for_server(files.certificate, files.key);
    auto client = tls::TlsContext::for_client(tls::TlsContext::Verify::nothing);
    std::filesystem::remove_all(folder);
    check(server && client, "LinkTls: contexts");
    // A ticket's size depends on a random number's.
    SSL_CTX_set_num_tickets((*server)->native(), 0);
    return {std::move(*server), std::move(*client)};
}

}  // namespace

const TlsContexts& tls_contexts() {
    static const TlsContexts contexts = make_contexts();
    return contexts;
}

LinkTls::LinkTls(World& world, std::vector<std::uint8_t>& wire)
    : world_(world),
      wire_(wire),
      engine_(tls::TlsEngine::create(tls_contexts().client, tls::TlsEngine::Side::client)) {
    check(engine_ != nullptr, "LinkTls: memory for an engine");
}

base::MutableBytes LinkTls::room(std::size_t size) noexcept {
    committed_ = wire_.size();
    wire_.resize(committed_ + size);
    return base::MutableBytes(wire_).subspan(committed_);
}

void LinkTls::commit(std::size_t size) noexcept {
    wire_.resize(committed_ + size);
}

void LinkTls::start() {
    base::Bytes nothing;
    engine_->handshake(nothing, *this);
}

void LinkTls::seal(base::Bytes plaintext) {
    check(engine_->write(plaintext, *this) == tls::TlsStatus::ok, "LinkTls: sealing with room enough");
}

void LinkTls::open(base::Bytes arrived, std::vector<std::uint8_t>& plaintext) {
    arrived_.insert(arrived_.end(), arrived.begin(), arrived.end());
    std::size_t begin = 0;
    while (arrived_.size() - begin >= record_header_size) {
        const std::size_t size =
            record_header_size + (std::size_t{arrived_[begin + 3]} << 8U | arrived_[begin + 4]);
        if (arrived_.size() - begin < size) {
            break;
        }
        wire_read_ += size;
        open_record(base::Bytes(arrived_).subspan(begin, size), plaintext);
        begin += size;
    }
    arrived_.erase(arrived_.begin(), arrived_.begin() + static_cast<std::ptrdiff_t>(begin));
}

void LinkTls::open_record(base::Bytes record, std::vector<std::uint8_t>& plaintext) {
    if (is_closed_) {
        world_.fail("a client got a record behind close_notify");
    }
    if (!engine_->is_handshake_done()) {
        if (engine_->handshake(record, *this) == tls::TlsStatus::failed) {
            world_.fail("a client's handshake failed");
        }
        if (!engine_->is_handshake_done()) {
            return;
        }
    }
    std::array<std::uint8_t, 17 * 1024> room_for_one;
    while (true) {
        std::size_t size = 0;
        const tls::TlsStatus status = engine_->read(record, room_for_one, size, *this);
        plaintext.insert(plaintext.end(), room_for_one.begin(),
                         room_for_one.begin() + static_cast<std::ptrdiff_t>(size));
        read_ += size;
        if (status == tls::TlsStatus::failed) {
            world_.fail("a client got a record that is none");
        }
        is_closed_ = status == tls::TlsStatus::closed;
        if (status != tls::TlsStatus::ok) {
            break;
        }
    }
    records_.push_back({read_, wire_read_});
}

std::uint64_t LinkTls::wire_end_of(std::uint64_t end) {
    for (const Record& record : records_) {
        if (record.end >= end) {
            return record.wire_end;
        }
    }
    world_.fail("a client read what has not come");
}

std::uint64_t LinkTls::wire_begin_of(std::uint64_t begin) {
    for (; !records_.empty() && records_.front().end <= begin; records_.pop_front()) {
        wire_begin_ = records_.front().wire_end;
    }
    return wire_begin_;
}

}  // namespace tickwire::simulation

// Builds frames and reads them back cut in every way, for the tests of the WebSocket codec.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "tickwire/websocket.hpp"

namespace tickwire::websocket {

using ByteVector = std::vector<std::uint8_t>;

inline constexpr std::array<std::uint8_t, 4> test_key{0x37, 0xfa, 0x21, 0x3d};

/// How a header says the length: in the shortest form, or in one of the others.
enum class LengthForm : std::uint8_t { minimal, bits_7, bits_16, bits_64 };

/// A header by the bytes of section 5.2, good or bad. `start` is FIN, reserved bits and opcode.
inline ByteVector frame_header(std::uint8_t start, std::uint64_t size, bool is_masked,
                               LengthForm form = LengthForm::minimal) {
    if (form == LengthForm::minimal) {
        form = size < 126 ? LengthForm::bits_7 : size < 65536 ? LengthForm::bits_16 : LengthForm::bits_64;
    }
    const auto mask = static_cast<std::uint8_t>(is_masked ? 0x80 : 0);
    ByteVector bytes{start};
    const int length_size = form == LengthForm::bits_7 ? 0 : form == LengthForm::bits_16 ? 2 : 8;
    const std::uint64_t short_length = length_size == 0 ? size : length_size == 2 ? 126 : 127;
    bytes.push_back(static_cast<std::uint8_t>(mask | short_length));
    for (int i = length_size - 1; i >= 0; --i) {
        bytes.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
    }
    if (is_masked) {
        bytes.insert(bytes.end(), test_key.begin(), test_key.end());
    }
    return bytes;
}

inline ByteVector to_bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

/// A masked frame as a client sends it.
inline ByteVector frame(std::uint8_t start, base::Bytes payload) {
    ByteVector bytes = frame_header(start, payload.size(), true);
    for (std::size_t i = 0; i < payload.size(); ++i) {
        bytes.push_back(payload[i] ^ test_key[i % 4]);
    }
    return bytes;
}
inline ByteVector frame(std::uint8_t start, std::string_view payload) {
    return frame(start, base::as_bytes(payload));
}
/// An unmasked frame as a server sends it.
inline ByteVector server_frame(std::uint8_t start, std::string_view payload) {
    ByteVector bytes = frame_header(start, payload.size(), false);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
}

/// The same frames as a server would send them; empty where one has no mask, or where its header is cut.
inline std::optional<ByteVector> without_masks(base::Bytes bytes) {
    ByteVector out;
    while (!bytes.empty()) {
        if (bytes.size() < 2 || (bytes[1] & 0x80) == 0) {
            return std::nullopt;
        }
        const std::uint8_t short_length = bytes[1] & 0x7f;
        const std::size_t length_size = short_length < 126 ? 0 : short_length == 126 ? 2 : 8;
        const std::size_t header_size = 2 + length_size + test_key.size();
        if (bytes.size() < header_size) {
            return std::nullopt;
        }
        out.push_back(bytes[0]);
        out.push_back(short_length);
        std::uint64_t size = length_size == 0 ? short_length : 0;
        for (const std::uint8_t byte : bytes.subspan(2, length_size)) {
            out.push_back(byte);
            size = size << 8 | byte;
        }
        const base::Bytes key = bytes.subspan(2 + length_size, test_key.size());
        bytes = bytes.subspan(header_size);
        const base::Bytes payload = bytes.first(std::min<std::uint64_t>(size, bytes.size()));
        for (std::size_t i = 0; i < payload.size(); ++i) {
            out.push_back(payload[i] ^ key[i % 4]);
        }
        bytes = bytes.subspan(payload.size());
    }
    return out;
}

inline ByteVector operator+(ByteVector left, const ByteVector& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

struct ReadMessage {
    Opcode opcode;
    ByteVector payload;
    friend bool operator==(const ReadMessage&, const ReadMessage&) = default;
};

/// All that came out of a reader for some bytes.
struct Transcript {
    std::vector<ReadMessage> messages;
    std::optional<Error> error;
    std::uint32_t frame_count = 0;
    friend bool operator==(const Transcript&, const Transcript&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Transcript& transcript) {
    for (const ReadMessage& message : transcript.messages) {
        out << "opcode " << static_cast<int>(message.opcode) << " of " << message.payload.size()
            << " bytes; ";
    }
    return out << (transcript.error ? describe(*transcript.error) : "no error") << "; frames "
               << transcript.frame_count;
}

/// The heap with a count of what is lent, and a limit. Lends blocks of exactly the size asked for, so that
/// the sanitizer sees every byte too far.
class CountingSource final : public BufferSource {
  public:
    explicit CountingSource(std::size_t limit = SIZE_MAX) : limit_(limit) {}
    std::span<std::uint8_t> resize(std::span<std::uint8_t> held, std::size_t used,
                                   std::size_t size) noexcept override {
        ++resize_count;
        if (lent - held.size() + size > limit_) {
            return {};
        }
        const std::span<std::uint8_t> room{new std::uint8_t[size], size};
        std::copy_n(held.begin(), used, room.begin());
        lent += size;
        lent_max = std::max(lent_max, lent - held.size());
        release(held);
        return room;
    }
    void release(std::span<std::uint8_t> held) noexcept override {
        lent -= held.size();
        delete[] held.data();
    }

    std::size_t lent = 0;
    std::size_t lent_max = 0;
    std::size_t resize_count = 0;

  private:
    std::size_t limit_;
};

/// Gives the reader one input, in memory of exactly its size, and adds what comes out.
inline void read_part(Reader& reader, base::Bytes part, Transcript& transcript) {
    ByteVector bytes(part.begin(), part.end());
    bytes.shrink_to_fit();
    std::span<std::uint8_t> input{bytes};
    while (true) {
        const auto result = reader.next(input);
        transcript.frame_count = reader.frame_count();
        if (!result) {
            transcript.error = result.error();
            return;
        }
        if (!*result) {
            return;
        }
        const Message& message = **result;
        transcript.messages.push_back({message.opcode, {message.payload.begin(), message.payload.end()}});
        // The payload is the caller's to write to.
        std::ranges::fill(message.payload, std::uint8_t{0xee});
    }
}

/// What a reader makes of `bytes` cut into inputs of `part_size` bytes.
inline Transcript read_in_parts(Role role, const Limits& limits, base::Bytes bytes, std::size_t part_size) {
    CountingSource source;
    Transcript transcript;
    {
        Reader reader(role, limits, source);
        for (std::size_t at = 0; at < bytes.size() && !transcript.error; at += part_size) {
            read_part(reader, bytes.subspan(at, std::min(part_size, bytes.size() - at)), transcript);
        }
    }
    if (source.lent != 0) {
        transcript.messages.clear();  // a leak makes every comparison fail
    }
    return transcript;
}

inline Transcript read_whole(Role role, const Limits& limits, base::Bytes bytes) {
    return read_in_parts(role, limits, bytes, std::max<std::size_t>(bytes.size(), 1));
}

inline Transcript read_in_two(Role role, const Limits& limits, base::Bytes bytes, std::size_t cut) {
    CountingSource source;
    Reader reader(role, limits, source);
    Transcript transcript;
    read_part(reader, bytes.first(cut), transcript);
    if (!transcript.error) {
        read_part(reader, bytes.subspan(cut), transcript);
    }
    return transcript;
}

}  // namespace tickwire::websocket

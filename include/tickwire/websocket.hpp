// RFC 6455 frames without I/O, for both sides: the relay is the server, a bot is the client. Bytes go in
// and messages come out; bytes to send are written into memory that the caller brings.
//
// Nothing here reads a clock, makes a system call or allocates but through BufferSource. Extensions are
// not spoken: a reserved bit is an error (section 5.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tl/expected.hpp>

namespace tickwire::wire {
enum class Utf8State : std::uint8_t;
}

namespace tickwire::websocket {

/// Which side of the connection we are. A server refuses unmasked frames, a client masked ones (5.1).
enum class Role : std::uint8_t { server, client };

/// Section 5.2. Values are the wire's.
enum class Opcode : std::uint8_t {
    continuation = 0x0,
    text = 0x1,
    binary = 0x2,
    close = 0x8,
    ping = 0x9,
    pong = 0xa
};

/// What is wrong with the peer's bytes. Each has one close code, `close_code()`.
enum class Error : std::uint8_t {
    reserved_bits,       ///< RSV1 to 3 without an extension (5.2)
    reserved_opcode,     ///< 3 to 7, 11 to 15 (5.2)
    mask_missing,        ///< a client's frame that is not masked (5.1)
    mask_unexpected,     ///< a server's frame that is (5.1)
    length_not_minimal,  ///< 126 or 127 used for a length that fits a shorter form, or bit 63 set (5.2)
    control_too_long,    ///< a control frame of more than 125 bytes (5.5)
    control_fragmented,  ///< a control frame without FIN (5.5)
    continuation_unexpected,  ///< a continuation with nothing to continue (5.4)
    continuation_expected,    ///< a new message inside an unfinished one (5.4)
    close_length,             ///< a close payload of one byte (5.5.1)
    close_code,               ///< a close code that may not be sent (7.4)
    invalid_utf8,             ///< in a text message or a close reason (8.1)
    message_too_long,         ///< over Limits, known from a header before anything is buffered
    too_many_fragments,       ///< over Limits
    out_of_memory,            ///< BufferSource gave nothing
};

/// 1002, 1007, 1009, or 1013 for out_of_memory.
std::uint16_t close_code(Error error) noexcept;
/// A few words for a log line or a close reason.
std::string_view describe(Error error) noexcept;

/// Where a Reader keeps what must outlive one input: an unfinished message. Not thread-safe.
class BufferSource {
  public:
    virtual ~BufferSource() = default;
    /// Room for at least `size` bytes whose first `used` are those of `held`, which is given back; an
    /// empty span where there is none, and then `held` is as it was. `held` may be empty.
    virtual std::span<std::uint8_t> resize(std::span<std::uint8_t> held, std::size_t used,
                                           std::size_t size) noexcept = 0;
    virtual void release(std::span<std::uint8_t> held) noexcept = 0;
};

/// The heap as a BufferSource, for clients and for what is off the relay's data path.
class HeapBufferSource final : public BufferSource {
  public:
    std::span<std::uint8_t> resize(std::span<std::uint8_t> held, std::size_t used,
                                   std::size_t size) noexcept override;
    void release(std::span<std::uint8_t> held) noexcept override;
    std::size_t bytes_in_use() const noexcept { return bytes_in_use_; }

  private:
    std::size_t bytes_in_use_ = 0;
};

/// Bounds on one message, in payload bytes after reassembly. At most 2^31 - 1.
struct Limits {
    std::uint32_t text_size_max = 16384;
    std::uint32_t binary_size_max = 16388;
    std::uint32_t fragment_count_max = 1024;
};

inline constexpr std::size_t server_header_size_max = 10;
inline constexpr std::size_t client_header_size_max = 14;
inline constexpr std::size_t control_size_max = 125;  ///< payload bytes of a control frame (5.5)

/// One whole message or control frame. `payload` lies in the input or in the reader's buffer and holds
/// until the next call of next() or the reader's end; the caller may write to it.
struct Message {
    Opcode opcode;  ///< never continuation
    std::span<std::uint8_t> payload;
};

/// What a close frame says. 1005 where it has no payload (7.1.5).
struct Close {
    std::uint16_t code = 1005;
    std::string_view reason;
};

/// Takes a message of opcode close apart. The reader has checked it, so this cannot fail.
Close parse_close(std::span<const std::uint8_t> payload) noexcept;

/// Finds the messages in a byte stream.
///
/// A message that lies whole in one input is unmasked in place and never copied; any other is gathered in
/// a buffer of the source, which is returned when the message has been taken. UTF-8 is checked at once:
/// the first impossible byte is refused even inside an unfinished frame. After an error the reader is
/// spent: it returns the same error for ever.
///
/// Neither reads nor writes beyond what it consumed, but for a header that it may look at and leave.
///
/// Bound: sizeof(Reader) is 80, and the source lends at most the open message's declared size (its limit,
/// while more fragments are to come) plus one control frame.
class Reader {
  public:
    /// `source` must outlive the reader.
    Reader(Role role, const Limits& limits, BufferSource& source) noexcept;
    Reader(Reader&& other) noexcept;  ///< an unfinished message moves along
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    Reader& operator=(Reader&&) = delete;
    ~Reader();

    /// The next whole message in `input`, which is advanced past what was consumed; empty where `input`
    /// ran out first (it is then empty). Call until it returns empty.
    tl::expected<std::optional<Message>, Error> next(std::span<std::uint8_t>& input) noexcept;

    /// Frame headers seen since construction, wrapping: data, fragments and control frames alike.
    std::uint32_t frame_count() const noexcept { return frame_count_; }
    /// Bytes that the source lends at this moment: what the peer is charged for.
    std::size_t buffered_size() const noexcept { return buffer_size_; }
    /// Changes what later frames may bring (a ticket or a join may set limits).
    void set_limits(const Limits& limits) noexcept { limits_ = limits; }
    /// Moves an unfinished message to another source (hand-over between shards). False where that source
    /// has no room: the reader is then spent.
    bool rehome(BufferSource& source) noexcept;

  private:
    enum class State : std::uint8_t { header, payload, spent };
    using Result = tl::expected<std::optional<Message>, Error>;

    std::span<std::uint8_t> take_short_binary(std::span<std::uint8_t>& input) noexcept;
    Result next_of_any_kind(std::span<std::uint8_t>& input) noexcept;
    bool take_header(std::span<std::uint8_t>& input) noexcept;
    std::size_t read_header(std::span<const std::uint8_t> bytes) noexcept;
    std::optional<Error> judge_start(std::uint8_t first, std::uint8_t second) const noexcept;
    void begin_frame(std::uint8_t first, std::uint32_t payload_size) noexcept;
    bool lies_whole_in(std::span<const std::uint8_t> input) const noexcept;
    bool gather(std::span<std::uint8_t>& input) noexcept;
    bool reserve(std::size_t size) noexcept;
    Result finish_in_place(std::span<std::uint8_t>& input) noexcept;
    Result finish_gathered() noexcept;
    Result finish_control(std::span<std::uint8_t> payload) noexcept;
    std::uint32_t message_size_max(Opcode opcode) const noexcept;
    bool is_message_open() const noexcept { return message_opcode_ != Opcode::continuation; }
    void close_message() noexcept;
    void drop_buffer() noexcept;
    tl::unexpected<Error> fail(Error error) noexcept;

    // Invariant: the buffer begins with the message_size_ bytes of the open message and goes on with the
    // control_size_ bytes of the control frame that is being gathered; it is lent only while there is one
    // of the two, or until the next call of next() after one was delivered from it.
    BufferSource* source_;
    std::uint8_t* buffer_ = nullptr;
    std::uint32_t buffer_size_ = 0;
    std::uint32_t message_size_ = 0;
    Limits limits_;
    std::uint32_t frame_count_ = 0;
    std::uint32_t fragment_count_ = 0;        // frames of the open message
    std::uint32_t payload_left_ = 0;          // of the frame, in State::payload
    std::array<std::uint8_t, 4> mask_key_{};  // rotated to the next byte of the payload
    // The start of a header that an input's end has cut.
    std::array<std::uint8_t, client_header_size_max> header_;
    std::uint8_t header_size_ = 0;
    std::uint8_t control_size_ = 0;
    std::uint8_t frame_start_ = 0;                  // first byte of the frame: FIN and opcode
    Opcode message_opcode_ = Opcode::continuation;  // continuation: no message is open
    wire::Utf8State utf8_{};
    Role role_;
    State state_ = State::header;
    Error error_{};
};

/// Bytes of the header before a server's frame of `payload_size`: 2, 4 or 10.
constexpr std::size_t server_header_size(std::size_t payload_size) noexcept {
    return payload_size < 126 ? 2 : payload_size < 65536 ? 4 : 10;
}

/// Writes the header of a whole (FIN) server frame at `to`, which has room for server_header_size();
/// returns its size.
std::size_t encode_server_header(Opcode opcode, std::size_t payload_size, std::uint8_t* to) noexcept;

/// Writes a whole client frame, header and masked payload, at `to`, which has room for
/// client_header_size_max + payload.size(); returns its size. The key must be unpredictable where
/// strangers choose the payload (10.3).
std::size_t encode_client_frame(Opcode opcode, std::span<const std::uint8_t> payload,
                                std::array<std::uint8_t, 4> key, std::uint8_t* to) noexcept;

/// Writes a close payload (code, reason cut at a character to 123 bytes) at `to` (control_size_max bytes);
/// returns its size. `code` is sendable, or 1005: an empty payload, 0 bytes.
std::size_t encode_close_payload(std::uint16_t code, std::string_view reason, std::uint8_t* to) noexcept;

/// A code that an endpoint may put on the wire: 1000 to 1003, 1007 to 1014, 3000 to 4999 (7.4.1, 7.4.2).
bool is_sendable_close_code(std::uint16_t code) noexcept;

/// base64(SHA-1(key + GUID)), the value of Sec-WebSocket-Accept (4.2.2). `key` is the header's value.
std::array<char, 28> accept_value(std::string_view key) noexcept;

}  // namespace tickwire::websocket

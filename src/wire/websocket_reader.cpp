// The reader of RFC 6455 frames, by three paths: short binary messages, nearly all that a game sends, by
// take_short_binary(); others that lie whole in the input by take_header() and finish_in_place(), in place
// too; and what an input's end or a sender has cut by gather().
#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "tickwire/websocket.hpp"
#include "wire/unmask.hpp"
#include "wire/utf8.hpp"

namespace tickwire::websocket {
namespace {

// The first two bytes of a frame (section 5.2).
constexpr std::uint8_t final_bit = 0x80;
constexpr std::uint8_t reserved_bits_mask = 0x70;
constexpr std::uint8_t opcode_mask = 0x0f;
constexpr std::uint8_t control_bit = 0x08;
constexpr std::uint8_t masked_bit = 0x80;
constexpr std::uint8_t length_mask = 0x7f;
constexpr std::uint8_t length_is_16_bits = 126;

// Opcodes that section 5.2 defines, one bit each: 0, 1, 2, 8, 9, 10.
constexpr unsigned known_opcodes = 0x0707;

// A first buffer is not smaller than this: most cut messages are small, and grow no more.
constexpr std::size_t buffer_size_min = 128;

static_assert(sizeof(Reader) <= 80, "idle connections are counted in bytes");

constexpr bool is_final(std::uint8_t frame_start) noexcept {
    return (frame_start & final_bit) != 0;
}
constexpr bool is_control(std::uint8_t frame_start) noexcept {
    return (frame_start & control_bit) != 0;
}
constexpr Opcode opcode_of(std::uint8_t frame_start) noexcept {
    return static_cast<Opcode>(frame_start & opcode_mask);
}

std::array<std::uint8_t, 4> rotate(std::array<std::uint8_t, 4> key, std::size_t size) noexcept {
    const int bits = static_cast<int>(size % 4) * 8;
    return std::bit_cast<std::array<std::uint8_t, 4>>(std::rotr(std::bit_cast<std::uint32_t>(key), bits));
}

std::optional<Error> judge_close(std::span<const std::uint8_t> payload) noexcept {
    if (payload.empty()) {
        return std::nullopt;
    }
    if (payload.size() == 1) {
        return Error::close_length;
    }
    const Close close = parse_close(payload);
    if (!is_sendable_close_code(close.code)) {
        return Error::close_code;
    }
    if (!wire::is_valid_utf8(base::as_bytes(close.reason))) {
        return Error::invalid_utf8;
    }
    return std::nullopt;
}

}  // namespace

Reader::Reader(Role role, const Limits& limits, BufferSource& source) noexcept
    : source_(&source), limits_(limits), role_(role) {}

Reader::Reader(Reader&& other) noexcept
    : source_(other.source_),
      buffer_(std::exchange(other.buffer_, nullptr)),
      buffer_size_(std::exchange(other.buffer_size_, 0)),
      message_size_(other.message_size_),
      limits_(other.limits_),
      frame_count_(other.frame_count_),
      fragment_count_(other.fragment_count_),
      payload_left_(other.payload_left_),
      mask_key_(other.mask_key_),
      header_(other.header_),
      header_size_(other.header_size_),
      control_size_(other.control_size_),
      frame_start_(other.frame_start_),
      message_opcode_(other.message_opcode_),
      utf8_(other.utf8_),
      role_(other.role_),
      state_(std::exchange(other.state_, State::spent)),
      error_(other.error_) {}

Reader::~Reader() {
    drop_buffer();
}

tl::expected<std::optional<Message>, Error> Reader::next(std::span<std::uint8_t>& input) noexcept {
    if (const std::span<std::uint8_t> payload = take_short_binary(input); payload.data() != nullptr)
        [[likely]] {
        return Message{Opcode::binary, payload};
    }
    return next_of_any_kind(input);
}

/// The fast path, by which nearly every message of a game comes: a whole frame of at most 125 bytes, where
/// nothing unfinished stands before it. The payload, whose data is null where it is anything else. What it
/// takes, next_of_any_kind() would take just so, in 13 ns for 48 bytes instead of 7.
std::span<std::uint8_t> Reader::take_short_binary(std::span<std::uint8_t>& input) noexcept {
    constexpr std::size_t header_size = 6;
    if (state_ != State::header || header_size_ != 0 || buffer_ != nullptr || is_message_open() ||
        role_ != Role::server || input.size() < header_size) {
        return {};
    }
    const std::uint8_t* const header = input.data();
    const std::size_t size = header[1] & length_mask;
    if (header[0] != (final_bit | static_cast<std::uint8_t>(Opcode::binary)) ||
        (header[1] & masked_bit) == 0 || size >= length_is_16_bits || size > input.size() - header_size ||
        size > limits_.binary_size_max) {
        return {};
    }
    std::array<std::uint8_t, 4> key;
    std::memcpy(key.data(), header + 2, key.size());
    ++frame_count_;
    const std::span<std::uint8_t> payload = input.subspan(header_size, size);
    input = input.subspan(header_size + size);
    wire::unmask(payload.data(), payload.size(), key);
    return payload;
}

auto Reader::next_of_any_kind(std::span<std::uint8_t>& input) noexcept -> Result {
    if (buffer_ != nullptr && state_ == State::header && !is_message_open()) {
        drop_buffer();  // delivered by the call before, and taken by now
    }
    while (state_ != State::spent) {
        if (state_ == State::header && !take_header(input)) {
            break;
        }
        if (lies_whole_in(input)) {
            return finish_in_place(input);
        }
        if (!gather(input)) {
            break;
        }
        if (is_control(frame_start_) || is_final(frame_start_)) {
            return finish_gathered();
        }
    }
    if (state_ == State::spent) {
        return tl::unexpected(error_);
    }
    return std::nullopt;
}

/// True once the header is whole: the state is then `payload`. Otherwise the input is used up, or refused.
bool Reader::take_header(std::span<std::uint8_t>& input) noexcept {
    if (header_size_ == 0) [[likely]] {
        if (const std::size_t size = read_header(input); size != 0) [[likely]] {
            input = input.subspan(size);
            return true;
        }
    }
    if (state_ == State::spent || input.empty()) {
        return false;
    }
    // What the stash takes beyond the header's end is left in the input.
    const std::size_t taken = std::min(header_.size() - header_size_, input.size());
    std::memcpy(header_.data() + header_size_, input.data(), taken);
    const std::size_t held = header_size_ + taken;
    if (const std::size_t size = read_header(std::span{header_}.first(held)); size != 0) {
        input = input.subspan(size - header_size_);
        header_size_ = 0;
        return true;
    }
    if (state_ != State::spent) {
        header_size_ = static_cast<std::uint8_t>(held);
        input = {};
    }
    return false;
}

/// Reads the header at the start of `bytes` and returns its size; 0 where it is not whole yet, or refused.
/// Each part is judged as soon as it is there, in the order of the wire: how the bytes were cut into inputs
/// makes no difference to what is found.
std::size_t Reader::read_header(std::span<const std::uint8_t> bytes) noexcept {
    if (bytes.size() < 2) {
        return 0;
    }
    if (const auto error = judge_start(bytes[0], bytes[1])) [[unlikely]] {
        fail(*error);
        return 0;
    }
    std::size_t size = 2;
    std::uint64_t payload_size = bytes[1] & length_mask;
    if (payload_size >= length_is_16_bits) {
        const bool is_short = payload_size == length_is_16_bits;
        size = is_short ? 4 : 10;
        if (bytes.size() < size) {
            return 0;
        }
        payload_size = is_short ? __builtin_bswap16(base::load_le<std::uint16_t>(bytes.data() + 2))
                                : __builtin_bswap64(base::load_le<std::uint64_t>(bytes.data() + 2));
        if (payload_size < (is_short ? 126U : 65536U) || payload_size >> 63 != 0) [[unlikely]] {
            fail(Error::length_not_minimal);
            return 0;
        }
    }
    if (!is_control(bytes[0])) {
        const Opcode opcode = is_message_open() ? message_opcode_ : opcode_of(bytes[0]);
        // The sum cannot wrap: 63 bits and 31.
        if (payload_size + message_size_ > message_size_max(opcode)) [[unlikely]] {
            fail(Error::message_too_long);
            return 0;
        }
    }
    if (role_ == Role::server) {
        if (bytes.size() < size + mask_key_.size()) {
            return 0;
        }
        std::memcpy(mask_key_.data(), bytes.data() + size, mask_key_.size());
        size += mask_key_.size();
    }
    begin_frame(bytes[0], static_cast<std::uint32_t>(payload_size));
    return size;
}

/// Judges all that a frame's first two bytes tell.
std::optional<Error> Reader::judge_start(std::uint8_t first, std::uint8_t second) const noexcept {
    if ((first & reserved_bits_mask) != 0) {
        return Error::reserved_bits;
    }
    if ((known_opcodes >> (first & opcode_mask) & 1U) == 0) {
        return Error::reserved_opcode;
    }
    if (((second & masked_bit) != 0) != (role_ == Role::server)) {
        return role_ == Role::server ? Error::mask_missing : Error::mask_unexpected;
    }
    if (is_control(first)) {
        if (!is_final(first)) {
            return Error::control_fragmented;
        }
        return (second & length_mask) > control_size_max ? std::optional(Error::control_too_long)
                                                         : std::nullopt;
    }
    const bool continues = opcode_of(first) == Opcode::continuation;
    if (continues != is_message_open()) {
        return continues ? Error::continuation_unexpected : Error::continuation_expected;
    }
    const bool is_fragment = continues || !is_final(first);
    if (is_fragment && fragment_count_ >= limits_.fragment_count_max) {
        return Error::too_many_fragments;
    }
    return std::nullopt;
}

void Reader::begin_frame(std::uint8_t first, std::uint32_t payload_size) noexcept {
    ++frame_count_;
    frame_start_ = first;
    payload_left_ = payload_size;
    state_ = State::payload;
    if (!is_control(first)) {
        ++fragment_count_;
        if (!is_message_open()) {
            message_opcode_ = opcode_of(first);
        }
    }
}

/// Whether the input holds all that the next delivery consists of, nothing having been gathered before.
bool Reader::lies_whole_in(std::span<const std::uint8_t> input) const noexcept {
    if (payload_left_ > input.size()) {
        return false;
    }
    return is_control(frame_start_) ? control_size_ == 0 : is_final(frame_start_) && message_size_ == 0;
}

auto Reader::finish_in_place(std::span<std::uint8_t>& input) noexcept -> Result {
    const std::span<std::uint8_t> payload = input.first(payload_left_);
    input = input.subspan(payload_left_);
    if (role_ == Role::server) {
        wire::unmask(payload.data(), payload.size(), mask_key_);
    }
    state_ = State::header;
    if (is_control(frame_start_)) {
        return finish_control(payload);
    }
    const Opcode opcode = message_opcode_;
    close_message();
    if (opcode == Opcode::text && !wire::is_valid_utf8(payload)) {
        return fail(Error::invalid_utf8);
    }
    return Message{opcode, payload};
}

/// Takes what the input has of the frame into the buffer. True once the frame is whole.
bool Reader::gather(std::span<std::uint8_t>& input) noexcept {
    const std::size_t size = std::min<std::size_t>(payload_left_, input.size());
    if (size != 0) {
        const std::size_t held = message_size_ + control_size_;
        if (!reserve(held + size)) {
            fail(Error::out_of_memory);
            return false;
        }
        const std::span<std::uint8_t> part{buffer_ + held, size};
        std::memcpy(part.data(), input.data(), size);
        input = input.subspan(size);
        payload_left_ -= static_cast<std::uint32_t>(size);
        if (role_ == Role::server) {
            wire::unmask(part.data(), part.size(), mask_key_);
            mask_key_ = rotate(mask_key_, size);
        }
        if (is_control(frame_start_)) {
            control_size_ = static_cast<std::uint8_t>(control_size_ + size);
        } else {
            message_size_ += static_cast<std::uint32_t>(size);
            if (message_opcode_ == Opcode::text) {
                utf8_ = wire::advance_utf8(utf8_, part);
                if (utf8_ == wire::Utf8State::invalid) {
                    fail(Error::invalid_utf8);
                    return false;
                }
            }
        }
    }
    if (payload_left_ != 0) {
        return false;
    }
    state_ = State::header;
    return true;
}

/// Makes the buffer hold `size` bytes. It doubles, so that a message of n bytes is copied O(n) times, but
/// what a header merely announces is not reserved before it comes.
bool Reader::reserve(std::size_t size) noexcept {
    if (size <= buffer_size_) {
        return true;
    }
    const std::size_t frame_end = message_size_ + control_size_ + payload_left_;
    const bool more_may_come = !is_control(frame_start_) && !is_final(frame_start_);
    const std::size_t useful = more_may_come ? message_size_max(message_opcode_) : frame_end;
    const std::size_t doubled = std::max(std::size_t{2} * buffer_size_, buffer_size_min);
    const std::size_t wanted = std::max(size, std::min(doubled, useful));
    const std::span<std::uint8_t> room =
        source_->resize({buffer_, buffer_size_}, message_size_ + control_size_, wanted);
    if (room.empty()) {
        return false;
    }
    base::check(room.size() >= wanted, "BufferSource: room for what was asked");
    buffer_ = room.data();
    buffer_size_ = static_cast<std::uint32_t>(room.size());
    return true;
}

/// The frame that ends what was gathered is whole.
auto Reader::finish_gathered() noexcept -> Result {
    if (is_control(frame_start_)) {
        const std::size_t size = std::exchange(control_size_, std::uint8_t{0});
        return finish_control({buffer_ + message_size_, size});
    }
    const Message message{message_opcode_, {buffer_, message_size_}};
    const bool ends_inside_character = utf8_ != wire::Utf8State::boundary;
    close_message();
    if (ends_inside_character) {
        return fail(Error::invalid_utf8);
    }
    return message;
}

auto Reader::finish_control(std::span<std::uint8_t> payload) noexcept -> Result {
    const Opcode opcode = opcode_of(frame_start_);
    if (opcode == Opcode::close) {
        if (const auto error = judge_close(payload)) {
            return fail(*error);
        }
    }
    return Message{opcode, payload};
}

std::uint32_t Reader::message_size_max(Opcode opcode) const noexcept {
    return opcode == Opcode::text ? limits_.text_size_max : limits_.binary_size_max;
}

/// utf8_ needs no reset: it is `boundary` at the end of every message but those that are refused.
void Reader::close_message() noexcept {
    message_opcode_ = Opcode::continuation;
    message_size_ = 0;
    fragment_count_ = 0;
}

void Reader::drop_buffer() noexcept {
    if (buffer_ != nullptr) {
        source_->release({buffer_, buffer_size_});
        buffer_ = nullptr;
        buffer_size_ = 0;
    }
}

tl::unexpected<Error> Reader::fail(Error error) noexcept {
    drop_buffer();
    state_ = State::spent;
    error_ = error;
    return tl::unexpected(error);
}

bool Reader::rehome(BufferSource& source) noexcept {
    if (state_ == State::header && !is_message_open()) {
        drop_buffer();
    }
    if (buffer_ != nullptr) {
        const std::span<std::uint8_t> room = source.resize({}, 0, buffer_size_);
        if (room.empty()) {
            fail(Error::out_of_memory);
            return false;
        }
        std::memcpy(room.data(), buffer_, message_size_ + control_size_);
        drop_buffer();
        buffer_ = room.data();
        buffer_size_ = static_cast<std::uint32_t>(room.size());
    }
    source_ = &source;
    return true;
}

}  // namespace tickwire::websocket

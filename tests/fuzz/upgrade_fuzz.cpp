// Oracle, for requests and for answers: what stands behind a head does not change what is read of it, and
// a start of the bytes gives either no verdict yet or the verdict of the whole. Nor does it matter in which
// pieces a request comes.
#include <memory>
#include <string>

#include "fuzz.hpp"
#include "wire/http.hpp"

namespace {

using namespace tickwire;

using RequestResult = tl::expected<std::optional<wire::ParsedRequest>, wire::HttpError>;
using AnswerResult = tl::expected<std::optional<wire::UpgradeAnswer>, wire::HttpError>;

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

std::string to_text(const wire::ParsedRequest& parsed) {
    const wire::HttpRequest& request = parsed.request;
    std::string text = std::to_string(parsed.size);
    for (const bool flag : {request.is_head, request.keep_alive, request.wants_upgrade,
                            request.offers_subprotocol, request.offers_tickwire}) {
        text += flag ? '1' : '0';
    }
    for (const std::string_view view : {request.path, request.query, request.host, request.origin,
                                        request.websocket_key, request.websocket_version}) {
        text += '\n';
        text += view;
    }
    for (const std::string_view line : request.forwarded_for.all()) {
        text += '\n';
        text += line;
    }
    return text;
}

std::string to_text(const wire::UpgradeAnswer& answer) {
    return std::to_string(answer.size) + ' ' + std::to_string(answer.status) +
           (answer.is_accepted ? "+" : "-") + std::string(answer.subprotocol);
}

/// The verdict in words; empty where there is none yet.
template <typename Result>
std::string to_text(const Result& result) {
    if (!result) {
        return "error " + std::to_string(static_cast<int>(result.error()));
    }
    return *result ? to_text(**result) : "";
}

/// Parses a copy in memory of exactly its size, so that the sanitizer sees a read too far.
template <typename Parse>
std::string parse_copy(Parse parse, std::string_view bytes) {
    const auto copy = std::make_unique<std::uint8_t[]>(bytes.size());
    bytes.copy(reinterpret_cast<char*>(copy.get()), bytes.size());
    return to_text(parse(base::Bytes{copy.get(), bytes.size()}));
}

/// `head_size` is 0 where `bytes` has no whole, good head.
template <typename Parse>
void check_verdicts(Parse parse, std::string_view bytes, std::size_t head_size) {
    const std::string whole = parse_copy(parse, bytes);
    if (head_size != 0) {
        const std::string_view head = bytes.substr(0, head_size);
        fuzz::require(parse_copy(parse, head) == whole, "the head alone gives the same");
        fuzz::require(parse_copy(parse, std::string(head) + "\r\n\xff\n") == whole,
                      "other bytes behind it, too");
        fuzz::require(parse_copy(parse, bytes.substr(0, head_size - 1)).empty(),
                      "the last byte of a head counts");
    }
    for (const std::size_t size : {bytes.size() / 4, bytes.size() / 2, bytes.size() - bytes.size() / 4}) {
        const std::string start = parse_copy(parse, bytes.substr(0, size));
        fuzz::require(start.empty() || start == whole, "a start gives no other verdict");
    }
}

void check_pieces(std::string_view bytes) {
    const std::string whole = to_text(wire::parse_request(base::as_bytes(bytes)));
    wire::RequestReader reader;
    std::string verdict;
    for (std::size_t size = 0; size <= bytes.size() && verdict.empty(); size += 1 + size / 8) {
        verdict = to_text(reader.next(base::as_bytes(bytes.substr(0, size))));
    }
    if (verdict.empty()) {
        verdict = to_text(reader.next(base::as_bytes(bytes)));
    }
    fuzz::require(verdict == whole, "a request in pieces is the same request");
}

void answer_request(const wire::HttpRequest& request) {
    std::uint8_t room[wire::response_head_size_max];
    const std::size_t size = wire::encode_upgrade_response(request, room);
    const AnswerResult answer = wire::parse_upgrade_answer(
        {room, size}, request.websocket_key.empty() ? key : request.websocket_key);
    fuzz::require(answer && *answer, "our answers are good heads");
    fuzz::require((*answer)->is_accepted == (wire::judge_upgrade(request) == 101),
                  "a client reads them as meant");
    if (const auto routed = wire::route_path(request.path); routed && routed->route == wire::Route::match) {
        fuzz::require(wire::is_match_name(routed->match), "a match has a good name");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::Bytes bytes{data, size};
    const std::string_view text = base::as_text(bytes);
    const auto parse_answer = [](base::Bytes from) { return wire::parse_upgrade_answer(from, key); };

    const RequestResult request = wire::parse_request(bytes);
    const bool is_request = request && *request;
    check_verdicts([](base::Bytes from) { return wire::parse_request(from); }, text,
                   is_request ? (*request)->size : 0);
    check_pieces(text);
    if (is_request) {
        answer_request((*request)->request);
    }
    const AnswerResult answer = parse_answer(bytes);
    check_verdicts(parse_answer, text, answer && *answer ? (*answer)->size : 0);
    return 0;
}

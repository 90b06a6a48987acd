#include "service/admin.hpp"

#include <openssl/crypto.h>

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>

#include "service/admin_views.hpp"
#include "service/assets.hpp"
#include "service/log.hpp"
#include "service/metrics.hpp"
#include "service/shards.hpp"
#include "wire/http.hpp"
#include "wire/json_writer.hpp"

namespace tickwire::service {
namespace {

using Request = HttpRequest;
using Response = HttpResponse;
using wire::JsonObject;

/// A page in the operator's browser can send simple requests anywhere; it cannot set this on them.
constexpr const char* own_header = "X-Tickwire-Admin";
constexpr std::size_t properties_size_max = 128 * 1024;
constexpr std::size_t event_size_max = 64 * 1024;

/// Work without a use, in each slot of a shard until a time: a shard that is late by its own doing. Asks
/// for its own next turn, and what is asked while requests are answered waits for the next slot.
struct Burden {
    Shards& shards;
    std::uint32_t shard;
    std::chrono::milliseconds length;
    std::chrono::steady_clock::time_point until;

    void operator()(shard::Control& /*control*/) const {
        const auto begin = std::chrono::steady_clock::now();
        while (std::chrono::steady_clock::now() - begin < length) {
        }
        if (begin < until) {
            shards.tell(shard, *this);
        }
    }
};

/// Empty where it is no whole number up to `maximum`.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t maximum) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number > maximum) {
        return std::nullopt;
    }
    return number;
}

/// A parameter that is a whole number; its default where it is not given, empty where it is none.
std::optional<std::uint32_t> number_of(const Request& request, const char* name, std::uint32_t otherwise,
                                       std::uint32_t maximum) {
    const std::string* const text = request.parameter(name);
    return text == nullptr ? otherwise : parse_number(*text, maximum);
}
std::string text_of(const Request& request, const char* name) {
    const std::string* const text = request.parameter(name);
    return text == nullptr ? std::string() : *text;
}
/// `/v1/matches/NAME/…`
std::string match_of(const Request& request) {
    return request.segments[2];
}

/// `Host` without its port.
std::string_view host_name(std::string_view host) {
    if (host.starts_with("[")) {
        return host.substr(0, host.find(']') + 1);
    }
    return host.substr(0, host.find(':'));
}

/// Finds the match's shard, and asks it; answers 404 and 503 by itself.
template <typename Question>
auto ask_match(Shards& shards, const std::string& name, Response& response, Question question) {
    using Answer = decltype(shards.ask(0, question));
    const auto shard = shards.directory().find(name);
    if (!shard) {
        answer_error(response, 404, "no such match");
        return Answer{};
    }
    auto answer = shards.ask(*shard, std::move(question));
    if (!answer) {
        answer_error(response, 503, "the shard does not answer");
    }
    return answer;
}

void answer_done(match::Match::Done done, Response& response) {
    switch (done) {
        case match::Match::Done::done:
            answer_json(response, "{\"done\":true}");
            return;
        case match::Match::Done::no_such_player:
            answer_error(response, 404, "nobody has that number");
            return;
        case match::Match::Done::too_large:
            answer_error(response, 413, "too large");
            return;
        case match::Match::Done::version_differs:
            answer_error(response, 409, "the properties have changed");
            return;
        case match::Match::Done::no_memory:
            answer_error(response, 503, "no memory for another match");
            return;
    }
}

}  // namespace

/// One listener's.
class Admin::Server final {
  public:
    Server(const Listeners::Admin& listener, std::string token, Operations& operations,
           HttpServer::Counters& counters)
        : listener_(listener),
          token_(std::move(token)),
          operations_(operations),
          counters_(counters),
          server_(
              listener.descriptor,
              [this](const Request& request, Response& response) { return is_allowed(request, response); },
              routes(), counters, {}) {}

  private:
    bool is_allowed(const Request& request, Response& response) {
        const bool is_open = request.path == "/healthz" || request.path == "/readyz";
        if (!is_host_known(request)) {
            answer_error(response, 421, "this is not the host that you mean");
            return false;
        }
        if (!token_.empty() && !is_open && request.path != "/" && !has_token(request)) {
            response.headers.emplace_back("WWW-Authenticate", "Bearer");
            answer_error(response, 401, "a bearer token is wanted");
            return false;
        }
        const bool is_change = request.method != "GET" && request.method != "HEAD";
        if (is_change && request.header(own_header) == nullptr) {
            answer_error(response, 403, std::string("a change needs the header ") + own_header);
            return false;
        }
        if (is_change && request.header("Origin") != nullptr && !is_same_origin(request)) {
            answer_error(response, 403, "from another origin");
            return false;
        }
        return true;
    }

    /// A name that resolves to this machine in somebody's browser (DNS rebinding) is not one of ours.
    /// Behind a token any name will do: the token is what a foreign page does not have.
    bool is_host_known(const Request& request) const {
        const std::string_view host = host_name(request.header_or_empty("Host"));
        const std::string_view own = host_name(listener_.address);
        return host == "localhost" || host == "127.0.0.1" || host == "[::1]" || host == own ||
               (listener_.is_unix && host.empty()) || !token_.empty();
    }
    static bool is_same_origin(const Request& request) {
        const std::string_view origin = request.header_or_empty("Origin");
        const std::string host(request.header_or_empty("Host"));
        return origin == "http://" + host || origin == "https://" + host;
    }
    bool has_token(const Request& request) const {
        const std::string_view given = request.header_or_empty("Authorization");
        const std::string wanted = "Bearer " + token_;
        return given.size() == wanted.size() &&
               ::CRYPTO_memcmp(given.data(), wanted.data(), wanted.size()) == 0;
    }

    std::vector<HttpServer::Route> routes() {
        using Handling = void (Server::*)(const Request&, Response&);
        const auto route = [this](std::string_view method, std::string_view pattern, Handling handling,
                                  std::size_t body_size_max = 0) {
            return HttpServer::Route{method, pattern,
                                     [this, handling](const Request& request, Response& response) {
                                         (this->*handling)(request, response);
                                     },
                                     body_size_max};
        };
        return {
            route("GET", "/", &Server::give_page),
            route("GET", "/healthz", &Server::give_health),
            route("GET", "/readyz", &Server::give_readiness),
            route("GET", "/metrics", &Server::give_metrics),
            route("GET", "/v1/status", &Server::give_status),
            route("GET", "/v1/matches", &Server::give_matches),
            route("GET", "/v1/matches/*", &Server::give_match),
            route("GET", "/v1/debug/slots", &Server::give_slots),
            route("PUT", "/v1/matches/*", &Server::open_match, properties_size_max),
            route("DELETE", "/v1/matches/*", &Server::close_match),
            route("DELETE", "/v1/matches/*/players/*", &Server::kick),
            route("POST", "/v1/matches/*/events", &Server::send_event, event_size_max),
            route("POST", "/v1/drain", &Server::drain),
            route("POST", "/v1/reload", &Server::reload),
            route("PUT", "/v1/log-level", &Server::set_log_level),
            route("POST", "/v1/debug/freeze", &Server::freeze),
            route("POST", "/v1/debug/burden", &Server::burden),
        };
    }

    void give_page(const Request&, Response& response) {
        for (const Asset& asset : embedded_admin()) {
            if (asset.path == "/") {
                response.body.assign(reinterpret_cast<const char*>(asset.bytes.data()), asset.bytes.size());
                response.content_type = asset.content_type;
            }
        }
    }
    void give_health(const Request&, Response& response) {
        response.body = "ok\n";
        response.content_type = "text/plain";
    }
    void give_readiness(const Request&, Response& response) {
        const bool is_ready = operations_.is_ready();
        response.status = is_ready ? 200 : 503;
        response.body = is_ready ? "ready\n" : "draining\n";
        response.content_type = "text/plain";
    }
    void give_metrics(const Request&, Response& response) {
        response.body = metrics_text(operations_.shards(), operations_.connection_count_max(),
                                     operations_.webhooks(), counters_);
        response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    }
    void give_status(const Request&, Response& response) {
        answer_json(response, status_as_json(operations_));
    }
    void give_matches(const Request&, Response& response) {
        answer_json(response, matches_as_json(operations_.shards()));
    }
    void give_match(const Request& request, Response& response) {
        const std::string name = match_of(request);
        Shards& shards = operations_.shards();
        const auto details = ask_match(shards, name, response, [name](shard::Control& control) {
            return control.describe_match(name);
        });
        if (details && *details) {
            const auto shard = shards.directory().find(name);
            answer_json(response, match_as_json(name, shard.value_or(0), **details));
        } else if (details) {
            answer_error(response, 404, "no such match");
        }
    }
    void give_slots(const Request& request, Response& response) {
        const auto shard = number_of(request, "shard", 0, operations_.shards().count() - 1);
        if (!shard) {
            answer_error(response, 400, "shard is out of range");
            return;
        }
        const auto log =
            operations_.shards().ask(*shard, [](shard::Control& control) { return control.slot_log(); });
        log ? answer_json(response, slots_as_json(*shard, *log))
            : answer_error(response, 503, "the shard does not answer");
    }

    void close_match(const Request& request, Response& response) {
        const std::string name = match_of(request);
        const auto code = number_of(request, "code", 1001, 4999);
        const std::string reason = text_of(request, "reason");
        if (!code || !(*code == 1000 || *code == 1001 || *code >= 4000) || reason.size() > 120) {
            answer_error(response, 400, "code is 1000, 1001 or 4000 to 4999, reason at most 120 bytes");
            return;
        }
        const auto closed = ask_match(operations_.shards(), name, response, [=](shard::Control& control) {
            return control.close_match(name, static_cast<std::uint16_t>(*code), reason);
        });
        if (closed) {
            if (*closed) {
                const std::array fields{LogField::text("match", name),
                                        LogField::number("code", static_cast<std::uint64_t>(*code))};
                log_line(LogLevel::debug, "admin: match closed", fields);
            }
            *closed ? answer_json(response, "{\"done\":true}")
                    : answer_error(response, 404, "no such match");
        }
    }
    void drain(const Request& request, Response& response) {
        const auto timeout = number_of(request, "timeout", 300, 86400);
        const auto window = number_of(request, "window", 10, 3600);
        if (!timeout || !window) {
            answer_error(response, 400, "timeout and window are seconds, to 86400 and 3600");
            return;
        }
        DrainOptions options;
        options.timeout = std::chrono::seconds(*timeout);
        options.window = std::chrono::seconds(*window);
        options.url = text_of(request, "url");
        operations_.start_drain(options);
        answer_json(response, "{\"draining\":true}");
    }
    void reload(const Request&, Response& response) {
        const auto reloaded = operations_.reload();
        std::string json;
        {
            JsonObject object(json);
            object.text(reloaded ? "result" : "error", reloaded ? *reloaded : reloaded.error());
        }
        answer_json(response, std::move(json), reloaded ? 200 : 409);
    }
    void set_log_level(const Request& request, Response& response) {
        operations_.set_log_level(text_of(request, "level"))
            ? answer_json(response, "{\"done\":true}")
            : answer_error(response, 400, "level is debug, info, warn or error");
    }
    void freeze(const Request& request, Response& response) {
        if (const auto asked = disturbance_in(request, response)) {
            operations_.shards().tell(asked->shard, [length = asked->length](shard::Control&) {
                std::this_thread::sleep_for(length);
            });
            answer_json(response, "{\"frozen\":true}");
        }
    }
    void burden(const Request& request, Response& response) {
        if (const auto asked = disturbance_in(request, response)) {
            operations_.shards().tell(asked->shard,
                                      Burden{operations_.shards(), asked->shard, asked->length_in_slot,
                                             std::chrono::steady_clock::now() + asked->length});
            answer_json(response, "{\"burdened\":true}");
        }
    }

    /// What a test wants of a shard; answers 403 and 400 by itself.
    struct Disturbance {
        std::uint32_t shard;
        std::chrono::seconds length;
        std::chrono::milliseconds length_in_slot;
    };
    std::optional<Disturbance> disturbance_in(const Request& request, Response& response) {
        const auto shard = number_of(request, "shard", 0, operations_.shards().count() - 1);
        const auto seconds = number_of(request, "seconds", 1, 600);
        const auto length_in_slot = number_of(request, "ms", 5, 1000);
        if (!operations_.is_debug_allowed() || !shard || !seconds || !length_in_slot) {
            answer_error(response, operations_.is_debug_allowed() ? 400 : 403,
                         "not allowed, or out of range");
            return std::nullopt;
        }
        return Disturbance{*shard, std::chrono::seconds(*seconds),
                           std::chrono::milliseconds(*length_in_slot)};
    }

    /// The game's backend opens a match before anybody is there, with properties as the body; or changes
    /// those of one that is open.
    void open_match(const Request& request, Response& response) {
        const std::string name = match_of(request);
        const auto hold = number_of(request, "hold", 60, 86400);
        if (!wire::is_match_name(name) || !hold) {
            answer_error(response, 400, "no name of a match, or hold is not 0 to 86400 seconds");
            return;
        }
        Shards& shards = operations_.shards();
        const std::uint32_t shard = shards.directory().place(name);
        if (shard == shards.count()) {
            answer_error(response, 503, "no room for another match");
            return;
        }
        struct Opened {
            bool has_room = false;
            bool is_new = false;
            std::optional<match::Match::Done> properties = match::Match::Done::done;
        };
        const auto opened =
            shards.ask(shard, [name, &shards, body = request.body,
                               hold = std::chrono::seconds(*hold)](shard::Control& control) {
                Opened result;
                if (const auto is_new = control.open_match(name, hold)) {
                    result = {true, *is_new, match::Match::Done::done};
                    if (!body.empty()) {
                        result.properties = control.set_properties(*control.find_match(name), body);
                    }
                    if (result.is_new && result.properties != match::Match::Done::done) {
                        control.close_match(name, 1001, "");
                    }
                }
                shards.directory().release(name);  // the match holds its own reference now
                return result;
            });
        if (!opened) {
            answer_error(response, 503, "the shard does not answer");
        } else if (!opened->has_room) {
            answer_error(response, 503, "no room for another match");
        } else if (!opened->properties) {
            answer_error(response, 400, "the body is no JSON object of properties");
        } else if (*opened->properties != match::Match::Done::done) {
            answer_done(*opened->properties, response);
        } else {
            answer_json(response, opened->is_new ? "{\"opened\":true}" : "{\"opened\":false}",
                        opened->is_new ? 201 : 200);
        }
    }

    void kick(const Request& request, Response& response) {
        const std::string name = match_of(request);
        const auto player = parse_number(request.segments[4], protocol::nobody - 1);
        const std::string reason = text_of(request, "reason");
        if (!player || reason.size() > 120) {
            answer_error(response, 400, "a player's number, and a reason of at most 120 bytes");
            return;
        }
        const auto kicked = ask_match(operations_.shards(), name, response, [=](shard::Control& control) {
            match::Match* const match = control.find_match(name);
            return match != nullptr && match->kick(static_cast<protocol::PlayerNumber>(*player), reason);
        });
        if (kicked) {
            if (*kicked) {
                const std::array fields{LogField::text("match", name), LogField::number("player", *player)};
                log_line(LogLevel::debug, "admin: player kicked", fields);
            }
            *kicked ? answer_json(response, "{\"done\":true}")
                    : answer_error(response, 404, "no such player");
        }
    }

    void send_event(const Request& request, Response& response) {
        const std::string name = match_of(request);
        const auto player = number_of(request, "player", protocol::nobody, protocol::nobody);
        const std::string_view type = request.header_or_empty("Content-Type");
        const bool is_text = type.starts_with("text/") || type.starts_with("application/json");
        if (!player) {
            answer_error(response, 400, "player is a number, to 65534");
            return;
        }
        const auto done = ask_match(
            operations_.shards(), name, response,
            [=, body = request.body](shard::Control& control) -> std::optional<match::Match::Done> {
                match::Match* const match = control.find_match(name);
                if (match == nullptr) {
                    return std::nullopt;
                }
                return match->send_event({static_cast<protocol::PlayerNumber>(*player), is_text},
                                         base::as_bytes(body));
            });
        if (done && *done) {
            answer_done(**done, response);
        } else if (done) {
            answer_error(response, 404, "no such match");
        }
    }

    Listeners::Admin listener_;
    std::string token_;
    Operations& operations_;
    HttpServer::Counters& counters_;
    HttpServer server_;  ///< the last: its threads use what is above
};

std::unique_ptr<Admin> Admin::start(const std::vector<Listeners::Admin>& listeners,
                                    const std::string& token, Operations& operations) {
    std::unique_ptr<Admin> admin(new Admin());
    for (const Listeners::Admin& listener : listeners) {
        admin->servers_.push_back(std::make_unique<Server>(listener, token, operations, admin->counters_));
    }
    return admin;
}

Admin::~Admin() = default;

tl::expected<std::string, std::string> read_token(const std::string& file) {
    std::ifstream stream(file);
    std::ostringstream text;
    text << stream.rdbuf();
    std::string token = text.str();
    const auto is_space = [](char letter) {
        return letter == ' ' || letter == '\n' || letter == '\r' || letter == '\t';
    };
    while (!token.empty() && is_space(token.back())) {
        token.pop_back();
    }
    constexpr std::size_t token_size_min = 16;
    if (!stream || token.size() < token_size_min) {
        return tl::unexpected(file + ": holds no token of at least " + std::to_string(token_size_min) +
                              " characters");
    }
    return token;
}

}  // namespace tickwire::service

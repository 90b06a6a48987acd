#include "service/config_sources.hpp"

#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace tickwire::service {
namespace {

using Result = tl::expected<void, std::string>;

std::size_t edit_distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> row(right.size() + 1);
    for (std::size_t column = 0; column <= right.size(); ++column) {
        row[column] = column;
    }
    for (std::size_t line = 1; line <= left.size(); ++line) {
        std::size_t diagonal = row[0];
        row[0] = line;
        for (std::size_t column = 1; column <= right.size(); ++column) {
            const std::size_t above = row[column];
            row[column] = std::min({above + 1, row[column - 1] + 1,
                                    diagonal + (left[line - 1] == right[column - 1] ? 0U : 1U)});
            diagonal = above;
        }
    }
    return row.back();
}

/// `tick-hz in [match]`: the known one that is spelled most like it.
std::string nearest_name(std::string_view name) {
    const auto all = settings();
    const auto nearest =
        std::min_element(all.begin(), all.end(), [name](const Setting& left, const Setting& right) {
            return std::min(edit_distance(name, left.name), edit_distance(name, left.key())) <
                   std::min(edit_distance(name, right.name), edit_distance(name, right.key()));
        });
    return std::string(nearest->key()) + " in [" + std::string(nearest->section) + "]";
}

const Setting* find_setting(std::string_view section, std::string_view key) {
    const auto all = settings();
    const auto found = std::find_if(all.begin(), all.end(), [&](const Setting& one) {
        return one.section == section && one.key() == key;
    });
    return found == all.end() ? nullptr : &*found;
}

bool is_section(std::string_view name) {
    const auto all = settings();
    return std::any_of(all.begin(), all.end(), [&](const Setting& one) { return one.section == name; });
}

std::string section_list() {
    std::vector<std::string_view> names;
    std::string text;
    for (const Setting& setting : settings()) {
        if (std::find(names.begin(), names.end(), setting.section) == names.end()) {
            names.push_back(setting.section);
            text.append(text.empty() ? "[" : ", [").append(setting.section).append("]");
        }
    }
    return text;
}

std::size_t row_of(const Setting& setting) {
    return static_cast<std::size_t>(&setting - settings().data());
}

/// The value as the command line would have it; nothing where it is of a kind that no setting has.
std::string text_of(const toml::node& node) {
    if (const auto* text = node.as_string()) {
        return text->get();
    }
    if (const auto* number = node.as_integer()) {
        return std::to_string(number->get());
    }
    if (const auto* number = node.as_floating_point()) {
        std::array<char, 64> digits{};
        return {digits.data(),
                std::to_chars(digits.data(), digits.data() + digits.size(), number->get()).ptr};
    }
    if (const auto* flag = node.as_boolean()) {
        return flag->get() ? "true" : "false";
    }
    return {};
}

/// The texts of a value, or what is wrong with its type.
tl::expected<std::vector<std::string>, std::string> texts_of(const Setting& setting,
                                                             const toml::node& node) {
    std::vector<std::string> texts;
    if (setting.kind == SettingKind::list && node.is_array()) {
        for (const toml::node& item : *node.as_array()) {
            if (!item.is_string()) {
                return tl::unexpected(std::string("is a list of texts, and not all of these are"));
            }
            texts.push_back(text_of(item));
        }
        return texts;
    }
    const bool is_wanted = setting.kind == SettingKind::flag ? node.is_boolean()
                           : setting.is_number()             ? node.is_number()
                                                             : node.is_string();
    if (!is_wanted) {
        const char* const wanted = setting.kind == SettingKind::flag   ? "true or false"
                                   : setting.is_number()               ? "a number"
                                   : setting.kind == SettingKind::list ? "a list of texts"
                                                                       : "a text in quotes";
        return tl::unexpected("wants " + std::string(wanted) + ": " + std::string(setting.help));
    }
    texts.push_back(text_of(node));
    return texts;
}

/// Checks each text by itself, and keeps them as the setting's.
Result take(ResolvedConfig& resolved, const Setting& setting, std::vector<std::string> texts,
            std::string origin) {
    ServeConfig scratch;
    for (const std::string& text : texts) {
        if (auto done = setting.set(scratch, text); !done) {
            return done;
        }
    }
    resolved.values[row_of(setting)] = {std::move(texts), std::move(origin)};
    return {};
}

Result read_section(const std::string& file, std::string_view section, const toml::table& table,
                    ResolvedConfig& resolved) {
    for (const auto& [key, node] : table) {
        const std::string at = file + ":" + std::to_string(node.source().begin.line);
        const std::string place = at + ": " + std::string(key.str());
        const Setting* const setting = find_setting(section, key.str());
        if (setting == nullptr) {
            return tl::unexpected(place + ": no such setting in [" + std::string(section) +
                                  "]; the nearest is " + nearest_name(key.str()));
        }
        auto texts = texts_of(*setting, node);
        if (!texts) {
            return tl::unexpected(place + ": " + texts.error());
        }
        if (auto done = take(resolved, *setting, std::move(*texts), at); !done) {
            return tl::unexpected(place + ": " + done.error());
        }
    }
    return {};
}

Result read_file(const std::string& file, ResolvedConfig& resolved) {
    toml::table document;
    try {
        document = toml::parse_file(file);
    } catch (const toml::parse_error& error) {
        const auto line = error.source().begin.line;
        return tl::unexpected(file + (line != 0 ? ":" + std::to_string(line) : "") + ": " +
                              std::string(error.description()));
    }
    for (const auto& [key, node] : document) {
        const std::string name(key.str());
        std::string place = file;
        place.append(":").append(std::to_string(node.source().begin.line)).append(": ").append(name);
        if (!node.is_table()) {
            return tl::unexpected(place + ": stands outside of a section; the nearest setting is " +
                                  nearest_name(name));
        }
        if (!is_section(name)) {
            return tl::unexpected(place + ": no such section; there are " + section_list());
        }
        if (auto done = read_section(file, name, *node.as_table(), resolved); !done) {
            return done;
        }
    }
    return {};
}

/// What begins like ours and is no setting: the relay's own for tests (service/kernel_overrides.hpp,
/// wire/unmask.hpp), and those of the tests and benchmarks that start it.
constexpr std::array<std::string_view, 11> other_variables{
    "TICKWIRE_BUFFERS", "TICKWIRE_UNMASK",   "TICKWIRE_WAIT",       "TICKWIRE_ALL",
    "TICKWIRE_BIN",     "TICKWIRE_BUILD",    "TICKWIRE_CONGESTION", "TICKWIRE_SCALE_QUICK",
    "TICKWIRE_SEED",    "TICKWIRE_WATCH_MS", "TICKWIRE_SCREENSHOT",
};

/// Kubernetes gives every container of a namespace, unasked, where its services are: for one that is called
/// tickwire TICKWIRE_SERVICE_HOST, TICKWIRE_SERVICE_PORT_HTTP, TICKWIRE_PORT=tcp://…,
/// TICKWIRE_PORT_80_TCP_ADDR.
bool is_service_link(std::string_view name, std::string_view value) {
    const std::size_t port = name.find("_PORT_");
    const std::size_t number = port + std::string_view("_PORT_").size();
    return name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") ||
           name.find("_SERVICE_PORT_") != name.npos ||
           (name.ends_with("_PORT") && value.find("://") != value.npos) ||
           (port != name.npos && number < name.size() && name[number] >= '0' && name[number] <= '9');
}

/// The texts of a list: addresses and names hold no comma. An empty variable is an empty list, so that one
/// can undo the file's.
tl::expected<std::vector<std::string>, std::string> split_list(std::string_view value) {
    std::vector<std::string> texts;
    for (std::size_t at = 0; at <= value.size() && !value.empty();) {
        const std::size_t comma = std::min(value.find(',', at), value.size());
        if (comma == at) {
            return tl::unexpected(std::string("an item of its list is empty"));
        }
        texts.emplace_back(value.substr(at, comma - at));
        at = comma + 1;
    }
    return texts;
}

/// A variable of ours that names nothing is a misspelt one.
Result read_environment(const std::vector<std::string>& environment, ResolvedConfig& resolved) {
    for (const std::string& entry : environment) {
        const std::size_t equals = entry.find('=');
        const std::string name = entry.substr(0, equals);
        if (equals == std::string::npos || !name.starts_with("TICKWIRE_")) {
            continue;
        }
        const std::string value = entry.substr(equals + 1);
        const auto all = settings();
        const auto found = std::find_if(
            all.begin(), all.end(), [&name](const Setting& one) { return one.environment_name() == name; });
        if (found == all.end()) {
            if (std::find(other_variables.begin(), other_variables.end(), name) != other_variables.end() ||
                is_service_link(name, value)) {
                continue;
            }
            const auto nearest = std::min_element(all.begin(), all.end(),
                                                  [&name](const Setting& left, const Setting& right) {
                                                      return edit_distance(name, left.environment_name()) <
                                                             edit_distance(name, right.environment_name());
                                                  });
            return tl::unexpected(name + ": no such setting; the nearest is " +
                                  nearest->environment_name());
        }
        if (value.empty() && found->kind != SettingKind::list) {
            return tl::unexpected(name + ": is empty; unset it where the default is meant");
        }
        auto texts = found->kind == SettingKind::list
                         ? split_list(value)
                         : tl::expected<std::vector<std::string>, std::string>(std::vector{value});
        if (!texts) {
            return tl::unexpected(name + ": " + texts.error());
        }
        if (auto done = take(resolved, *found, std::move(*texts), name); !done) {
            return tl::unexpected(name + ": " + done.error());
        }
    }
    return {};
}

Result read_command_line(const std::vector<std::vector<std::string>>& rows, ResolvedConfig& resolved) {
    for (std::size_t row = 0; row < rows.size(); ++row) {
        if (rows[row].empty()) {
            continue;
        }
        const std::string name = "--" + std::string(settings()[row].name);
        if (auto done = take(resolved, settings()[row], rows[row], name); !done) {
            return tl::unexpected(name + ": " + done.error());
        }
    }
    return {};
}

/// Makes `config` anew from the texts, each of which was found good.
void apply_values(ResolvedConfig& resolved) {
    resolved.config = {};
    for (std::size_t row = 0; row < resolved.values.size(); ++row) {
        for (const std::string& text : resolved.values[row].texts) {
            static_cast<void>(settings()[row].set(resolved.config, text));
        }
    }
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\') {
            out += '\\';
        }
        out += letter;
    }
    return out + "\"";
}

std::string as_toml(const Setting& setting, const std::vector<std::string>& texts) {
    if (setting.kind != SettingKind::list) {
        const bool is_bare = setting.is_number() || setting.kind == SettingKind::flag;
        return is_bare ? texts.front() : quoted(texts.front());
    }
    std::string list = "[";
    for (const std::string& text : texts) {
        list += (list.size() > 1 ? ", " : "") + quoted(text);
    }
    return list + "]";
}

/// The default as it would be written; empty where it is no value but a reason, or none.
std::string default_as_toml(const Setting& setting) {
    if (setting.kind == SettingKind::list) {
        return "[]";
    }
    const std::string text(setting.default_text);
    if (text.empty() || text.find(' ') != std::string::npos) {
        return "";
    }
    return setting.is_number() || setting.kind == SettingKind::flag ? text : quoted(text);
}

/// Calls `visit(section)` once for each section and `visit(setting)` for each setting in it.
template <typename OnSection, typename OnSetting>
void for_each_by_section(const OnSection& on_section, const OnSetting& on_setting) {
    std::vector<std::string_view> seen;
    for (const Setting& first : settings()) {
        if (std::find(seen.begin(), seen.end(), first.section) != seen.end()) {
            continue;
        }
        seen.push_back(first.section);
        on_section(first.section);
        for (const Setting& setting : settings()) {
            if (setting.section == first.section) {
                on_setting(setting);
            }
        }
    }
}

/// Whether joining needs a ticket at all is settled at the start; with which keys is not.
bool wants_tickets(const ServeConfig& config) {
    return !config.ticket_key.empty() || !config.ticket_jwks.empty();
}
bool names_ticket_keys(const Setting& setting) {
    return setting.name == "ticket-key" || setting.name == "ticket-jwks";
}

std::string_view reload_remark(Applies applies) {
    switch (applies) {
        case Applies::on_restart:
            break;
        case Applies::at_once:
            return " (reload)";
        case Applies::to_new_matches:
            return " (reload, for matches that open then)";
    }
    return "";
}

std::string_view reload_sentence(Applies applies) {
    switch (applies) {
        case Applies::on_restart:
            break;
        case Applies::at_once:
            return "In force after a reload.\n";
        case Applies::to_new_matches:
            return "In force after a reload, for matches that open then.\n";
    }
    return "Needs a restart.\n";
}

}  // namespace

std::vector<std::string> process_environment() {
    std::vector<std::string> entries;
    for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
        entries.emplace_back(*entry);
    }
    return entries;
}

tl::expected<ResolvedConfig, std::string> resolve_config(const ConfigSources& sources) {
    ResolvedConfig resolved;
    resolved.values.assign(settings().size(), {{}, "default"});
    if (!sources.file.empty()) {
        if (auto done = read_file(sources.file, resolved); !done) {
            return tl::unexpected(std::move(done.error()));
        }
    }
    if (auto done = read_environment(sources.environment, resolved); !done) {
        return tl::unexpected(std::move(done.error()));
    }
    if (auto done = read_command_line(sources.command_line, resolved); !done) {
        return tl::unexpected(std::move(done.error()));
    }
    apply_values(resolved);
    if (auto done = check_config(resolved.config); !done) {
        return tl::unexpected((sources.file.empty() ? "" : sources.file + ": ") + done.error());
    }
    return resolved;
}

tl::expected<ReloadedConfig, std::string> merge_reload(const ResolvedConfig& old_config,
                                                       const ResolvedConfig& new_config) {
    ReloadedConfig reloaded{old_config, {}, {}};
    for (std::size_t row = 0; row < settings().size(); ++row) {
        if (old_config.values[row].texts == new_config.values[row].texts) {
            continue;
        }
        const Setting& setting = settings()[row];
        const bool has_to_wait = setting.applies == Applies::on_restart ||
                                 (names_ticket_keys(setting) &&
                                  wants_tickets(old_config.config) != wants_tickets(new_config.config));
        if (has_to_wait) {
            reloaded.needs_restart.emplace_back(setting.name);
            continue;
        }
        reloaded.resolved.values[row] = new_config.values[row];
        reloaded.changed.push_back(std::string(setting.name) + (setting.applies == Applies::to_new_matches
                                                                    ? " (of matches that open from now on)"
                                                                    : ""));
    }
    apply_values(reloaded.resolved);
    // Each half was whole; together with what has to wait they may not be.
    if (auto done = check_config(reloaded.resolved.config); !done) {
        return tl::unexpected("without a restart: " + done.error());
    }
    return reloaded;
}

std::string print_config(const ResolvedConfig& resolved) {
    std::string out;
    for_each_by_section(
        [&](std::string_view section) {
            out.append(out.empty() ? "[" : "\n[").append(section).append("]\n");
        },
        [&](const Setting& setting) {
            const SettingValue& value = resolved.values[row_of(setting)];
            std::string line;
            if (!value.texts.empty()) {
                line = std::string(setting.key()) + " = " + as_toml(setting, value.texts);
            } else if (const std::string text = default_as_toml(setting);
                       !text.empty() && !setting.default_text.empty()) {
                line = std::string(setting.key()) + " = " + text;
            } else {
                line = "# " + std::string(setting.key()) + " is not set" +
                       (setting.default_text.empty() ? "" : ": " + std::string(setting.default_text));
            }
            line.resize(std::max<std::size_t>(line.size() + 2, 40), ' ');
            out += line + "# " + value.origin + "\n";
        });
    return out;
}

std::string example_config() {
    std::string out =
        "# Settings of the tickwire relay: tickwire.toml(5). Every key stands here with its default.\n"
        "# Check a change with `tickwire check-config FILE`; `systemctl reload tickwire` puts what is\n"
        "# marked (reload) into force without dropping anybody.\n";
    for_each_by_section(
        [&](std::string_view section) { out.append("\n[").append(section).append("]\n"); },
        [&](const Setting& setting) {
            out += "# " + std::string(setting.help) + std::string(reload_remark(setting.applies)) + "\n";
            const std::string text = default_as_toml(setting);
            const std::string_view reason = setting.default_text.empty() ? "none" : setting.default_text;
            out += "#" + std::string(setting.key()) + " =" + (text.empty() ? "" : " " + text) +
                   (text.empty() ? " # default: " + std::string(reason) : "") + "\n";
        });
    return out;
}

std::string settings_manual() {
    const auto escaped = [](std::string_view text) {
        std::string out;
        for (const char letter : text) {
            out += letter == '-' ? std::string("\\-") : std::string(1, letter);
        }
        return out;
    };
    std::string out;
    for_each_by_section([&](std::string_view section) { out += ".SS [" + std::string(section) + "]\n"; },
                        [&](const Setting& setting) {
                            out +=
                                ".TP\n.BR " + escaped(setting.key()) + "\n" + escaped(setting.help) + ".\n";
                            if (!setting.default_text.empty()) {
                                out += "Default: " + escaped(setting.default_text) + ".\n";
                            }
                            out += reload_sentence(setting.applies);
                            out += "Option \\fB\\-\\-" + escaped(setting.name) + "\\fR, variable \\fB" +
                                   setting.environment_name() + "\\fR.\n";
                        });
    return out;
}

}  // namespace tickwire::service

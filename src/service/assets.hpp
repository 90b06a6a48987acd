// Files inside the relay's own binary: the demo, which `serve --demo` answers plain HTTP requests with, and
// the page of the admin interface. The tables are written at build time by tools/embed.py, from the folder
// that -Ddemo names and from src/service/admin_page.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tickwire::service {

/// One file. Everything it points to lives as long as the process.
struct Asset {
    /// As in a request's target, without its query: `/`, `/demo.js`. `index.html` is served as its folder.
    std::string_view path;
    /// With the character set where there is one: `text/html; charset=utf-8`.
    std::string_view content_type;
    std::span<const std::uint8_t> bytes;
};

/// In order of path, each path once. Empty in a build without -Ddemo.
std::span<const Asset> embedded_assets() noexcept;
/// `/` alone.
std::span<const Asset> embedded_admin() noexcept;

}  // namespace tickwire::service

#include "service/demo_pages.hpp"

#include <string>
#include <unordered_map>

#include "service/assets.hpp"

namespace tickwire::service {
namespace {

std::unordered_map<std::string_view, shard::Page> pages_by_path() {
    std::unordered_map<std::string_view, shard::Page> pages;
    for (const Asset& asset : embedded_assets()) {
        pages.emplace(asset.path, shard::Page{asset.content_type, asset.bytes});
    }
    return pages;
}

}  // namespace

const shard::Page* find_demo_page(std::string_view path) {
    static const std::unordered_map<std::string_view, shard::Page> pages = pages_by_path();
    // A folder's page is kept under the folder's own path, and links may name either.
    constexpr std::string_view folder_page = "index.html";
    if (path.ends_with("/index.html")) {
        path.remove_suffix(folder_page.size());
    }
    const auto found = pages.find(path);
    return found == pages.end() ? nullptr : &found->second;
}

}  // namespace tickwire::service

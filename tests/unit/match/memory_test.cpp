// A pool too small: one scene again and again, each time with a little more room, so that each place that
// asks for some is once the one that gets none. Members may be refused or skipped. What they are told is
// the truth all the same (the reference clients see to that), and all comes back.
#include "match_fixture.hpp"

namespace tickwire::match {
namespace {

struct Sums {
    std::size_t refused = 0;
    std::uint64_t skipped = 0;
    std::size_t whole = 0;  ///< scenes in which nothing lacked
};

class Scene final : public MatchTest {
  public:
    Scene(std::size_t pool_size, Sums& sums) : MatchTest(pool_size), sums_(sums) {}

    void TestBody() override {
        options.event_log_size = 4096;
        options.limits.event_bytes = 512;
        options.limits.json_bytes = 512;
        options.outbox_size_max = 8192;
        const std::size_t refused_before = sums_.refused;
        ReferenceClient* const ann = enter(player_named("Ann"));
        ReferenceClient* const bo = enter(player_named("Bo"));
        wire::Join watching;
        watching.role = wire::Role::spectator;
        ReferenceClient* const eve = enter(watching);
        ReferenceClient* const plain = enter_plain();
        for (int round = 0; round < 6; ++round) {
            const std::string text(static_cast<std::size_t>(40 * round), static_cast<char>('a' + round));
            if (ann != nullptr) {
                state(*ann, text);
                event(*ann, protocol::Target::everyone, text);
                request(*ann, wire::SetProperties{{{"round", std::to_string(round)}}, {}});
            }
            if (bo != nullptr) {
                state(*bo, text + text);
                if (eve != nullptr) {
                    set_busy(*eve, round % 2 == 0);
                }
                match->take_resync(bo->member, now);
            }
            if (plain != nullptr) {
                match->take_plain(plain->member, base::as_bytes(text), true, now);
            }
            tick();
        }
        if (eve != nullptr) {
            set_busy(*eve, false);
        }
        if (ann != nullptr) {
            disconnect(*ann, Ending::lost);
            wire::Join back;
            back.resume = ann->token;
            back.seen_event = 1;
            enter(back);
        }
        tick(2);
        sums_.skipped += counters.skipped_no_memory;
        sums_.whole += counters.skipped_no_memory == 0 && sums_.refused == refused_before ? 1U : 0U;
        TearDown();
        EXPECT_EQ(pool.bytes_in_use(), 0U);
    }

  private:
    ReferenceClient* enter(const wire::Join& join) {
        clients.emplace_back();
        return judge(static_cast<bool>(try_join(clients.back(), join)));
    }
    ReferenceClient* enter_plain() {
        clients.emplace_back();
        clients.back().is_plain = true;
        clients.back().connection = outlet.connect();
        const auto member = match->join_plain(clients.back().connection, now);
        clients.back().member = member.value_or(0);
        return judge(static_cast<bool>(member));
    }
    /// Null where it was refused.
    ReferenceClient* judge(bool is_in) {
        if (!is_in) {
            ++sums_.refused;
            outlet.link(clients.back().connection).is_open = false;
            return nullptr;
        }
        return &clients.back();
    }

    Sums& sums_;
};

TEST(MatchMemoryTest, whatever_asks_in_vain_the_match_goes_on_and_tells_the_truth) {
    Sums sums;
    for (std::size_t size = base::BufferPool::size_min; size <= std::size_t{24} * 1024;
         size += base::BufferPool::size_min) {
        SCOPED_TRACE("a pool of " + std::to_string(size) + " bytes");
        Scene(size, sums).TestBody();
    }
    EXPECT_GT(sums.refused, 0U);
    EXPECT_GT(sums.skipped, 0U);
    EXPECT_GT(sums.whole, 0U) << "the largest pools are large enough";
}

}  // namespace
}  // namespace tickwire::match

#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <cstddef>
#include <functional>
#include <vector>

namespace emulator {

/// A call with a stack of its own, which can be left in the middle and resumed. One host thread
/// only. Not movable: a ucontext_t holds pointers into itself.
class Fiber {
public:
    Fiber();
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    /// The next resume() enters `body`, which must not throw and must outlive its run. A call that
    /// was left in the middle is dropped without running its destructors.
    void start(const std::function<void()>& body);

    /// Runs the body until it calls suspend() or returns.
    void resume();

    bool done() const { return done_; }

    /// From within a body: returns to the caller of resume().
    static void suspend();

private:
    static void enter() noexcept;
    static void arrive();
    void leave();

    std::vector<std::byte> stack_;
    ucontext_t context_{};
    const std::function<void()>* body_ = nullptr;
    bool done_ = true;
    bool entered_ = false;
    jmp_buf left_{};              // where it was left, unless AddressSanitizer watches
    void* fake_stack_ = nullptr;  // AddressSanitizer's
};

}  // namespace emulator

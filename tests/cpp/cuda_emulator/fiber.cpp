#include "fiber.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EMULATOR_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define EMULATOR_ASAN
#endif
#ifdef EMULATOR_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulator {
namespace {

// Room for a kernel compiled without optimisation and with sanitizers.
constexpr std::size_t stack_bytes = std::size_t{64} << 10;

Fiber* current = nullptr;

}  // namespace

Fiber::Fiber() : stack_(stack_bytes) {}

void Fiber::start(const std::function<void()>& body) {
    body_ = &body;
    done_ = false;
    entered_ = false;
    fake_stack_ = nullptr;
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack_.data();
    context_.uc_stack.ss_size = stack_.size();
    context_.uc_link = nullptr;
    makecontext(&context_, enter, 0);
}

void Fiber::suspend() { current->leave(); }

void Fiber::enter() noexcept {
    arrive();
    (*current->body_)();
    current->done_ = true;
    current->leave();
}

#ifdef EMULATOR_ASAN

// AddressSanitizer must be told before and after every change of stack, and takes a jump for one
// within the stack. It prints once that it does not fully support swapcontext; these calls are what
// it asks for.
namespace {

ucontext_t resumer;
const void* resumer_bottom = nullptr;
std::size_t resumer_bytes = 0;

}  // namespace

void Fiber::resume() {
    current = this;
    void* fake_stack = nullptr;
    __sanitizer_start_switch_fiber(&fake_stack, stack_.data(), stack_.size());
    swapcontext(&resumer, &context_);
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
}

void Fiber::arrive() { __sanitizer_finish_switch_fiber(nullptr, &resumer_bottom, &resumer_bytes); }

void Fiber::leave() {
    // What the stack needs is kept, unless it is left for good.
    __sanitizer_start_switch_fiber(done_ ? nullptr : &fake_stack_, resumer_bottom, resumer_bytes);
    swapcontext(&context_, &resumer);
    __sanitizer_finish_switch_fiber(fake_stack_, &resumer_bottom, &resumer_bytes);
}

#else

// swapcontext asks the system for the signal mask each time; a jump does not.
namespace {

jmp_buf resumer;

}  // namespace

void Fiber::resume() {
    current = this;
    if (_setjmp(resumer) != 0) {
        return;
    }
    if (entered_) {
        _longjmp(left_, 1);
    }
    entered_ = true;
    setcontext(&context_);
}

void Fiber::arrive() {}

void Fiber::leave() {
    if (_setjmp(left_) == 0) {
        _longjmp(resumer, 1);
    }
}

#endif

}  // namespace emulator

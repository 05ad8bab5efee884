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
ucontext_t resumer;

// AddressSanitizer must be told before and after every change of stack. Besides, it prints once
// that it does not fully support swapcontext; these calls are what it asks for.
struct Stack {
    const void* bottom = nullptr;
    std::size_t bytes = 0;
};
Stack resumer_stack;

/// `fake_stack` keeps what the stack that is left needs; null if it is left for good.
void before_switch([[maybe_unused]] void** fake_stack, [[maybe_unused]] Stack to) {
#ifdef EMULATOR_ASAN
    __sanitizer_start_switch_fiber(fake_stack, to.bottom, to.bytes);
#endif
}

void after_switch([[maybe_unused]] void* fake_stack, [[maybe_unused]] Stack* from) {
#ifdef EMULATOR_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, from ? &from->bottom : nullptr,
                                    from ? &from->bytes : nullptr);
#endif
}

}  // namespace

Fiber::Fiber() : stack_(stack_bytes) {}

void Fiber::start(const std::function<void()>& body) {
    body_ = &body;
    done_ = false;
    fake_stack_ = nullptr;
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack_.data();
    context_.uc_stack.ss_size = stack_.size();
    context_.uc_link = nullptr;
    makecontext(&context_, enter, 0);
}

void Fiber::resume() {
    current = this;
    void* fake_stack = nullptr;
    before_switch(&fake_stack, {stack_.data(), stack_.size()});
    swapcontext(&resumer, &context_);
    after_switch(fake_stack, nullptr);
}

void Fiber::suspend() { current->leave(); }

void Fiber::enter() noexcept {
    after_switch(nullptr, &resumer_stack);
    (*current->body_)();
    current->done_ = true;
    current->leave();
}

void Fiber::leave() {
    before_switch(done_ ? nullptr : &fake_stack_, resumer_stack);
    swapcontext(&context_, &resumer);
    after_switch(fake_stack_, &resumer_stack);
}

}  // namespace emulator

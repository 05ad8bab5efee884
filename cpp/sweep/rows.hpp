#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

/// Memory of the values that a sweep carries: counted, and used again.
namespace splinecode::sweep {

/// Thrown when a window of a segment needs more memory than it may have.
struct OverBudget : std::runtime_error {
    OverBudget() : std::runtime_error("the window needs more memory than it may have") {}
};

/// Memory of values that were, for values to come: fresh pages cost more than the arithmetic.
class Pool {
public:
    struct Free {
        void operator()(double* p) const;
    };
    using Block = std::unique_ptr<double[], Free>;

    /// At least `size` doubles; `size` becomes how many.
    Block take(std::int64_t& size);
    void give(Block block, std::int64_t size);
    /// Frees what is kept beyond `bytes`.
    void shrink(std::int64_t bytes);

private:
    std::mutex mutex_;
    std::multimap<std::int64_t, Block> blocks_;
    std::int64_t kept_ = 0;
};

/// Bytes that the values of a sweep take, against a limit.
class Budget {
public:
    Budget(std::int64_t limit, Pool& pool) : limit_(limit), pool_(pool) {}
    void take(std::int64_t bytes) {
        if (used_.fetch_add(bytes) + bytes > limit_) {
            used_ -= bytes;
            throw OverBudget();
        }
    }
    void give(std::int64_t bytes) { used_ -= bytes; }
    Pool& pool() { return pool_; }

private:
    std::atomic<std::int64_t> used_{0};
    std::int64_t limit_;
    Pool& pool_;
};

/// Rows of values that count against a budget. They start undefined.
class Rows {
public:
    Rows() = default;
    Rows(std::int64_t rows, std::int64_t width, Budget& budget)
        : rows_(rows), width_(width), capacity_(rows * width), budget_(&budget) {
        budget.take(bytes());
        try {
            data_ = budget.pool().take(capacity_);
        } catch (...) {
            budget.give(bytes());
            throw;
        }
    }
    Rows(Rows&& other) noexcept { *this = std::move(other); }
    Rows& operator=(Rows&& other) noexcept {
        std::swap(rows_, other.rows_);
        std::swap(width_, other.width_);
        std::swap(capacity_, other.capacity_);
        std::swap(budget_, other.budget_);
        std::swap(data_, other.data_);
        return *this;
    }
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;
    ~Rows() {
        if (data_) {
            budget_->give(bytes());
            budget_->pool().give(std::move(data_), capacity_);
        }
    }

    double* row(std::int64_t i) { return data_.get() + i * width_; }
    const double* row(std::int64_t i) const { return data_.get() + i * width_; }
    std::int64_t rows() const { return rows_; }
    std::int64_t width() const { return width_; }

private:
    std::int64_t bytes() const { return rows_ * width_ * 8; }

    std::int64_t rows_ = 0;
    std::int64_t width_ = 0;
    std::int64_t capacity_ = 0;
    Budget* budget_ = nullptr;
    Pool::Block data_;
};

}  // namespace splinecode::sweep

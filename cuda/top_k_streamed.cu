#include <algorithm>
#include <cstdint>
#include <exception>

#include "cuda.hpp"
#include "nearest_search.hpp"
#include "runtime.hpp"
#include "scan_checks.hpp"

/// Nearest rows of a database in host memory: while one buffer of rows is searched, the next one is
/// copied.
namespace splinecode::cuda {
namespace {

/// A stream of our own, which does not wait for the default stream.
class CopyStream {
public:
    CopyStream() {
        check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking),
              "cudaStreamCreateWithFlags");
    }
    /// What is queued still runs to its end.
    ~CopyStream() { cudaStreamDestroy(stream_); }
    CopyStream(const CopyStream&) = delete;
    CopyStream& operator=(const CopyStream&) = delete;

    cudaStream_t get() const { return stream_; }

private:
    cudaStream_t stream_ = nullptr;
};

class Event {
public:
    Event() {
        check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming),
              "cudaEventCreateWithFlags");
    }
    ~Event() { cudaEventDestroy(event_); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    void record(cudaStream_t stream) { check(cudaEventRecord(event_, stream), "cudaEventRecord"); }
    /// Later work of the stream comes after what was recorded; nothing to wait for before that.
    void hold(cudaStream_t stream) const {
        check(cudaStreamWaitEvent(stream, event_, 0), "cudaStreamWaitEvent");
    }

private:
    cudaEvent_t event_ = nullptr;
};

/// Two buffers of rows on the device, filled in turn.
class RowBuffers {
public:
    RowBuffers(const CodeRows& database, std::uint64_t* buffers, std::int64_t rows_at_once,
               cudaStream_t compute)
        : database_(database), buffers_(buffers), rows_at_once_(rows_at_once), compute_(compute) {
        // The buffers may be in use by work that the caller has queued.
        for (Event& searched : searched_) {
            searched.record(compute_);
        }
    }

    /// After an error a copy may still be on its way into buffers that the caller is about to free.
    ~RowBuffers() {
        if (std::uncaught_exceptions() > exceptions_) {
            cudaStreamSynchronize(copies_.get());
        }
    }
    RowBuffers(const RowBuffers&) = delete;
    RowBuffers& operator=(const RowBuffers&) = delete;

    std::int64_t parts() const { return ceil_div(database_.rows, rows_at_once_); }
    std::int64_t first_row(std::int64_t part) const { return part * rows_at_once_; }

    /// Queues the copy of a part, once its buffer has been searched.
    void copy(std::int64_t part) {
        const CodeRows to = rows_of(part);
        searched_[part % 2].hold(copies_.get());
        copy_rows(to, database_.row(first_row(part)));
        copied_[part % 2].record(copies_.get());
    }

    /// The part's rows on the device, for work that is queued from now on.
    CodeRows arrived(std::int64_t part) const {
        copied_[part % 2].hold(compute_);
        return rows_of(part);
    }
    void release(std::int64_t part) { searched_[part % 2].record(compute_); }

private:
    /// Rows without gaps are one long copy: line by line, short ones would be far from the link's
    /// speed.
    void copy_rows(const CodeRows& to, const std::uint64_t* from) const {
        auto* const buffer = const_cast<std::uint64_t*>(to.data);
        const auto line = static_cast<std::size_t>(to.words) * sizeof(std::uint64_t);
        const auto lines = static_cast<std::size_t>(to.rows);
        if (line == 0) {
            return;
        }
        if (database_.stride == database_.words) {
            check(
                cudaMemcpyAsync(buffer, from, line * lines, cudaMemcpyHostToDevice, copies_.get()),
                "cudaMemcpyAsync");
        } else {
            const auto stride = static_cast<std::size_t>(database_.stride) * sizeof(std::uint64_t);
            check(cudaMemcpy2DAsync(buffer, line, from, stride, line, lines, cudaMemcpyHostToDevice,
                                    copies_.get()),
                  "cudaMemcpy2DAsync");
        }
    }
    std::uint64_t* buffer_of(std::int64_t part) const {
        return buffers_ + part % 2 * rows_at_once_ * database_.words;
    }
    CodeRows rows_of(std::int64_t part) const {
        return {buffer_of(part), std::min(rows_at_once_, database_.rows - first_row(part)),
                database_.words, database_.words};
    }

    const CodeRows database_;
    std::uint64_t* buffers_;
    std::int64_t rows_at_once_;
    cudaStream_t compute_;
    int exceptions_ = std::uncaught_exceptions();
    CopyStream copies_;
    Event copied_[2];
    Event searched_[2];
};

}  // namespace

void top_k_streamed(const CodeRows& queries, const CodeRows& database, std::int64_t k,
                    bool exclude_self, std::int32_t* distances, std::int64_t* indices,
                    void* workspace, std::size_t workspace_bytes, std::uint64_t* buffers,
                    std::int64_t rows_at_once, Stream stream, const Interrupt& interrupt) {
    require_scan(queries, database, "top_k_streamed");
    require_k(database, k, exclude_self, "top_k_streamed");
    require(k <= most_listed, "top_k_streamed", "k is above 512");
    require(database.rows <= 1 || database.stride >= database.words, "top_k_streamed",
            "the rows of the database overlap or are in reverse");
    require(rows_at_once >= 1, "top_k_streamed", "the buffers have no room for a row");
    if (queries.rows == 0 || k == 0) {
        return;
    }
    const std::int64_t part_rows = std::min(rows_at_once, database.rows);
    require_workspace(workspace, workspace_bytes, NearestLayout::of(1, part_rows, k).bytes(),
                      "top_k_streamed");
    const DeviceGuard guard(stream.device);
    const std::int64_t most = nearest_batch(queries.rows, part_rows, k, workspace_bytes);
    for (std::int64_t first = 0; first < queries.rows; first += most) {
        const CodeRows batch{queries.row(first), std::min(most, queries.rows - first),
                             queries.words, queries.stride};
        RowBuffers rows(database, buffers, part_rows, handle_of(stream));
        NearestSearch search(NearestLayout::of(batch.rows, part_rows, k), workspace, stream);
        rows.copy(0);
        for (std::int64_t part = 0; part < rows.parts(); ++part) {
            search.add(batch, rows.arrived(part), rows.first_row(part),
                       exclude_self ? first : no_self);
            rows.release(part);
            // From pageable memory the call returns when the copy is done: the search runs by then.
            if (part + 1 < rows.parts()) {
                rows.copy(part + 1);
            }
            if (interrupt && interrupt()) {
                throw Interrupted();
            }
        }
        search.finish(distances + first * k, indices + first * k);
    }
}

}  // namespace splinecode::cuda

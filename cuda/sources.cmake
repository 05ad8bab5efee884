# Read by cuda/ itself and by the emulator that the tests compile the same sources for.
set(SPLINECODE_CUDA_SOURCES
  codes.cu
  device.cu
  groups.cu
  matrix.cu
  nearest_search.cu
  pairs.cu
  probe.cu
  radius.cu
  routes.cu
  sets.cu
  top_k.cu
  top_k_matrix.cu
  top_k_streamed.cu
  units.cu
  unpack.cu)

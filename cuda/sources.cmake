# Read by cuda/ itself and by the emulator that the tests compile the same sources for.
set(SPLINECODE_CUDA_SOURCES
  codes.cu
  device.cu
  matrix.cu
  nearest.cu
  radius.cu
  routes.cu
  top_k.cu
  top_k_matrix.cu
  top_k_streamed.cu)

# Read by cuda/ itself and by the emulator that the tests compile the same sources for.
set(SPLINECODE_CUDA_SOURCES
  codes.cu
  device.cu
  groups.cu
  hamming.cu
  pairs.cu
  sets.cu
  units.cu
  unpack.cu)

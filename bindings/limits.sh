# What the packaged library has to keep to. Sourced by the scripts beside it.
api=26            # Android's minSdk
page_bytes=16384  # devices with 16 KB pages load nothing that is aligned to less
bytes_max=9000000 # of the library for arm64, stripped; x86-64 stands for it where no NDK is
# For the C under the library: no panic passes through it, so it needs no tables for that; SQLite without its JSON
# functions; of zstd only its fast way to compress (level 3 takes it where the other is left out), and one way of several to read.
cflags="-fno-asynchronous-unwind-tables -fno-unwind-tables -DSQLITE_OMIT_JSON -DHUF_FORCE_DECOMPRESS_X1 -DDYNAMIC_BMI2=0"
for strategy in DFAST GREEDY LAZY LAZY2 BTLAZY2 BTOPT BTULTRA; do
    cflags+=" -DZSTD_EXCLUDE_${strategy}_BLOCK_COMPRESSOR"
done

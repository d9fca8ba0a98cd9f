# What the packaged library has to keep to. Sourced by the scripts beside it.
api=26            # Android's minSdk
page_bytes=16384  # devices with 16 KB pages load nothing that is aligned to less
bytes_max=9000000 # of the library for arm64, stripped; x86-64 stands for it where no NDK is

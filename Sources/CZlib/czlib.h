#pragma once

#include <zlib.h>

// zlib's initialisers are macros, which Swift does not see.

/// Bits of the window, plus 16 for the gzip format instead of zlib's.
enum { czlib_gzip_window_bits = 15 + 16 };

/// deflateInit2 for gzip at `level`.
static inline int czlib_deflate_init_gzip(z_stream *stream, int level)
{
    return deflateInit2(stream, level, Z_DEFLATED, czlib_gzip_window_bits, 8, Z_DEFAULT_STRATEGY);
}

/// inflateInit2 for gzip.
static inline int czlib_inflate_init_gzip(z_stream *stream)
{
    return inflateInit2(stream, czlib_gzip_window_bits);
}

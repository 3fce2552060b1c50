#pragma once

#include <zlib.h>

// zlib's initialisers are macros, which Swift does not see.

/// Bits of the window, plus 16 for the gzip format instead of zlib's; negative for bare deflate.
enum { czlib_gzip_window_bits = 15 + 16, czlib_bare_window_bits = -15 };

/// deflateInit2 for gzip at `level`.
static inline int czlib_deflate_init_gzip(z_stream *stream, int level)
{
    return deflateInit2(stream, level, Z_DEFLATED, czlib_gzip_window_bits, 8, Z_DEFAULT_STRATEGY);
}

/// deflateInit2 for deflate without a header and a checksum, at `level`.
static inline int czlib_deflate_init_bare(z_stream *stream, int level)
{
    return deflateInit2(stream, level, Z_DEFLATED, czlib_bare_window_bits, 8, Z_DEFAULT_STRATEGY);
}

/// inflateInit2 for gzip.
static inline int czlib_inflate_init_gzip(z_stream *stream)
{
    return inflateInit2(stream, czlib_gzip_window_bits);
}

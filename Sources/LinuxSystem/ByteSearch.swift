internal import CLinuxSystem

/// Where `wanted` is first found in `bytes`, from `start` on; nil if it is not. The time is linear.
///
/// - SeeAlso: memmem(3).
package func firstIndex(
    of wanted: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer, from start: Int = 0
) -> Int? {
    guard start <= bytes.count, let base = bytes.baseAddress,
        let found = clinux_find_bytes(base + start, bytes.count - start, wanted.baseAddress, wanted.count)
    else { return nil }
    return found - base
}

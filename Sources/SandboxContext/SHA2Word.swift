/// A word of the SHA-2 functions: 32 bits for SHA-256, 64 for SHA-512, which are otherwise the same.
protocol SHA2Word: FixedWidthInteger, UnsignedInteger {
    /// Rounds for each block.
    static var rounds: Int { get }
    /// Distances of the functions Σ0 and Σ1: three rotations to the right.
    static var largeSigmas: ((Self, Self, Self), (Self, Self, Self)) { get }
    /// Distances of the functions σ0 and σ1: two rotations to the right and a shift.
    static var smallSigmas: ((Self, Self, Self), (Self, Self, Self)) { get }
    /// The first bits of a fraction of 64 bits.
    init(fraction: UInt64)
}

extension UInt32: SHA2Word {
    static var rounds: Int { 64 }
    static var largeSigmas: ((UInt32, UInt32, UInt32), (UInt32, UInt32, UInt32)) {
        ((2, 13, 22), (6, 11, 25))
    }
    static var smallSigmas: ((UInt32, UInt32, UInt32), (UInt32, UInt32, UInt32)) {
        ((7, 18, 3), (17, 19, 10))
    }
    init(fraction: UInt64) { self = UInt32(truncatingIfNeeded: fraction >> 32) }
}

extension UInt64: SHA2Word {
    static var rounds: Int { 80 }
    static var largeSigmas: ((UInt64, UInt64, UInt64), (UInt64, UInt64, UInt64)) {
        ((28, 34, 39), (14, 18, 41))
    }
    static var smallSigmas: ((UInt64, UInt64, UInt64), (UInt64, UInt64, UInt64)) { ((1, 8, 7), (19, 61, 6)) }
    init(fraction: UInt64) { self = fraction }
}

extension SHA2Word {
    func rotated(_ distance: Self) -> Self {
        self &>> distance | self &<< (Self(Self.bitWidth) &- distance)
    }
}

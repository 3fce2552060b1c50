/// A day of the Gregorian calendar, which is taken to have always been in use.
struct CivilDate: Equatable {
    let year: Int
    /// 1 to 12.
    let month: Int
    /// 1 to 31.
    let day: Int

    /// The day that is that many days after 1970-01-01.
    ///
    /// Counts in eras of 400 years, which all have the same length, and in years that begin with March, so that the
    /// leap day is the last one.
    init(daysSinceEpoch days: Int64) {
        /// From 0000-03-01 to 1970-01-01.
        let daysBeforeEpoch = 719_468
        let daysOfEra = 146_097
        let shifted = Int(days) + daysBeforeEpoch
        let era = (shifted >= 0 ? shifted : shifted - (daysOfEra - 1)) / daysOfEra
        let dayOfEra = shifted - era * daysOfEra
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        self.month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        self.year = yearOfEra + era * 400 + (self.month <= 2 ? 1 : 0)
    }
}

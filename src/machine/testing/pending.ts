/** Recorded scenarios that do not work in modbox yet, each with what is missing. */
export const PENDING: Readonly<Record<string, string>> = {};

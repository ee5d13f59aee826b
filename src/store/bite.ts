/**
 * What one transaction of the janitor removes at most: a few milliseconds of work, which an accept can wait. Rows are not all alike,
 * so kept logs, which have up to a mebibyte each, are weighed as well, in bytes.
 */
export const biteRows = 100;
export const biteBytes = 2 * 1024 * 1024;

/** Later than any time. */
export const endOfTime = '9999';

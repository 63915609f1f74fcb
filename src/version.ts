/** This package's version, as journals and reports carry it; a test holds it to package.json. */
export const VERSION = '0.1.0';

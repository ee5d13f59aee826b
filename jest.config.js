export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' } }],
  },
  // A machine that others use is several times slower; what hangs shows all the same.
  testTimeout: 180_000,
  // Most of the time is spent waiting for processes, clocks and a browser.
  maxWorkers: '100%',
};

/** Where the tests of the components are, and what stands in for parts of Salesforce that have no stub. */
const { jestConfig } = require('@salesforce/sfdx-lwc-jest/config');

module.exports = {
    ...jestConfig,
    testMatch: ['<rootDir>/tests/**/*.test.js'],
    testTimeout: 30_000, // a busy machine is no mistake of a component
    moduleNameMapper: { '^lightning/actions$': '<rootDir>/tests/actions' }
};

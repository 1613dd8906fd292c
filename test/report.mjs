/**
 * Counts a vitest JSON report as one number of passed and one of failed. A test file that could not be loaded, and a run that
 * failed outside of any test, count as one failed each: nothing red may end in "0 failed".
 *
 * @param {any} report what vitest's JSON reporter wrote; null when it wrote nothing
 * @param {boolean} didSucceed whether vitest ended with exit code 0
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function countTests(report, didSucceed) {
  if (report === null) return { passed: 0, failed: 1, skipped: 0 };
  const brokenFiles = report.testResults.filter(
    (/** @type {any} */ file) =>
      file.status === 'failed' &&
      !file.assertionResults.some((/** @type {any} */ test) => test.status === 'failed'),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && !didSucceed ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

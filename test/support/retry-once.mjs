// On a shared machine a test may lose a race of its own. In CI it has a second try, and is named at the end of the run.
import { jest } from '@jest/globals';

jest.retryTimes(1, { logErrorsBeforeRetry: true });

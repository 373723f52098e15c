/**
 * What a status means to a colleague: a short label, how it looks, and whether its link still works.
 */

// status: what it is called, and how it looks; the same words as in Cuereel's own console
const STATUSES = {
    minted: ['Made when opened', 'quiet'],
    queued: ['Waiting', 'wait'],
    rendering: ['Being made', 'wait'],
    ready: ['Ready', 'good'],
    approved: ['Approved', 'good'],
    ready_with_fallback: ['Ready, some defaults', 'good'],
    needs_review: ['Needs a look', 'warn'],
    rejected: ['Rejected', 'bad'],
    failed: ['Failed', 'bad'],
    stale: ['Being refreshed', 'wait'],
    expired: ['Expired', 'quiet'],
    erased: ['Erased', 'quiet'],
    delayed: ['Sent later', 'wait'],
    blocked_suppressed: ['Not sent: suppressed', 'quiet'],
    blocked_consent: ['Not sent: no consent', 'quiet'],
    blocked_cap: ['Not sent: enough for now', 'quiet'],
    blocked_repeat: ['Not sent: had it already', 'quiet'],
    blocked_validation: ['Not sent: data missing', 'warn']
};

const BADGES = {
    good: 'slds-badge slds-theme_success',
    wait: 'slds-badge',
    warn: 'slds-badge slds-theme_warning',
    bad: 'slds-badge slds-theme_error',
    quiet: 'slds-badge slds-badge_lightest'
};

const WITHOUT_LINK = new Set(['expired', 'erased', 'rejected', 'failed']);
const IN_THE_MAKING = new Set(['queued', 'rendering', 'stale']);

/** Say how a status is shown; one that is not known is shown as it is written. */
export function standing(status) {
    const written = status ? status.replaceAll('_', ' ') : '';
    const [label, tone] = STATUSES[status] ?? [
        written.charAt(0).toUpperCase() + written.slice(1),
        'quiet'
    ];
    return {
        label,
        badge: BADGES[tone],
        inTheMaking: IN_THE_MAKING.has(status),
        mayBeSent: !WITHOUT_LINK.has(status)
    };
}

/** Return an address that a browser may open, or nothing: a record may hold any text. */
export function webAddress(text) {
    return /^https?:\/\//i.test(text ?? '') ? text : '';
}

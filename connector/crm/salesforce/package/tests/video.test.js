/** The card on a contact or lead, in each state that a video can be in. */
import CuereelVideo from 'c/cuereelVideo';
import { getRecord, notifyRecordUpdateAvailable } from 'lightning/uiRecordApi';
import { getRelatedListRecords } from 'lightning/uiRelatedListApi';
import { clear, find, place, record, settled, text } from './setting';

const CONTACT = '003000000000065AAA';
const LEAD = '00Q000000000065AAA';
const READY = {
    FirstName: 'Ana',
    Cuereel_Video_Url__c: 'https://video.example.org/v/abc',
    Cuereel_Thumbnail_Url__c: 'https://video.example.org/v/abc/poster.jpg',
    Cuereel_Video_Status__c: 'ready',
    Cuereel_Video_Status_Reason__c: 'Every gate was passed; a video is made. [ok]',
    Cuereel_Percent_Watched__c: 62,
    Cuereel_Views__c: 3,
    Cuereel_Last_Viewed_At__c: '2026-11-21T09:30:00.000Z',
    Cuereel_Engagement_Score__c: 21,
    Cuereel_Engagement_Tier__c: 'hot'
};
const UNTOUCHED = Object.fromEntries(Object.keys(READY).map((name) => [name, null]));
const FORGOTTEN = { Cuereel_Views__c: null, Cuereel_Percent_Watched__c: null };

afterEach(clear);

function card(id = CONTACT, objectApiName = 'Contact') {
    return place('c-cuereel-video', CuereelVideo, { recordId: id, objectApiName });
}

async function shown(values, id = CONTACT, object = 'Contact') {
    const element = card(id, object);
    getRecord.emit(record(id, object, values));
    await settled();
    return element;
}

async function lists(videos, views) {
    const held = { Cuereel_Videos__r: videos, Cuereel_Video_Views__r: views };
    Object.entries(held).forEach(([list, records]) =>
        getRelatedListRecords.emit({ records }, ({ relatedListId }) => relatedListId === list)
    );
    await settled();
}

function facts(element) {
    return Object.fromEntries(
        [...element.shadowRoot.querySelectorAll('[data-fact]')].map((fact) => [
            fact.dataset.fact,
            fact.textContent.trim()
        ])
    );
}

test.each([
    [CONTACT, 'Contact'],
    [LEAD, 'Lead']
])('the fields of %s are those of a %s', async (id, object) => {
    card(id, object);
    await settled();
    const asked = getRecord.getLastConfig();
    expect(asked.recordId).toBe(id);
    expect(asked.optionalFields).toContain(`${object}.Cuereel_Video_Status__c`);
    expect(asked.optionalFields.every((field) => field.startsWith(`${object}.`))).toBe(true);
    expect(asked.fields).toBeUndefined();
});

test('until the record has come the card says that it looks', async () => {
    const element = card();
    expect(find(element, 'lightning-spinner').alternativeText).toBe('Looking for the video');
    getRecord.emit(record(CONTACT, 'Contact', READY));
    await settled();
    expect(find(element, 'lightning-spinner')).toBeNull();
});

test('a video that is ready shows how it stands, what to send, and what was watched', async () => {
    const element = await shown(READY);
    expect(text(element, '.slds-badge')).toBe('Ready');
    expect(text(element, '[data-reason]')).toBe(READY.Cuereel_Video_Status_Reason__c);
    expect(find(element, '.slds-theme_success')).not.toBeNull();
    const share = find(element, 'c-cuereel-share');
    expect(share.url).toBe(READY.Cuereel_Video_Url__c);
    expect(share.thumbnail).toBe(READY.Cuereel_Thumbnail_Url__c);
    expect(share.name).toBe('Ana');
    expect(facts(element)).toMatchObject({ percent: '62 %', views: '3', score: '21 · hot' });
    expect(find(element, 'lightning-relative-date-time').value).toBe(READY.Cuereel_Last_Viewed_At__c);
});

test('a contact without a video is told how to get one', async () => {
    const element = await shown(UNTOUCHED);
    expect(text(element, '[data-state="empty"]')).toContain('No video yet');
    expect(find(element, 'c-cuereel-share')).toBeNull();
    expect(find(element, '[data-status]')).toBeNull();
});

test('a video in the making can be sent already, without its picture', async () => {
    const element = await shown({
        ...READY,
        ...FORGOTTEN,
        Cuereel_Video_Status__c: 'rendering',
        Cuereel_Thumbnail_Url__c: null
    });
    expect(text(element, '.slds-badge')).toBe('Being made');
    expect(find(element, 'c-cuereel-share').thumbnail).toBe('');
    expect(text(element, '[data-state="unwatched"]')).toContain('Nobody has watched yet');
    expect(facts(element)).toEqual({});
});

test('a video in the making can be looked at again; one that is ready needs no such button', async () => {
    const element = await shown({ ...READY, Cuereel_Video_Status__c: 'queued' });
    expect(text(element, '[data-state="making"]')).toContain('The link works already');
    find(element, '[data-look]').dispatchEvent(new CustomEvent('click'));
    expect(notifyRecordUpdateAvailable.mock.calls).toEqual([[[{ recordId: CONTACT }]]]);
    getRecord.emit(record(CONTACT, 'Contact', READY));
    await settled();
    expect(find(element, '[data-look]')).toBeNull();
});

test('where there is no link yet, none is promised', async () => {
    const element = await shown({ ...UNTOUCHED, Cuereel_Video_Status__c: 'rendering' });
    expect(text(element, '[data-state="making"]')).toBe('The video is in the making.');
    expect(find(element, 'c-cuereel-share')).toBeNull();
});

test.each([
    ['failed', 'Failed', 'slds-theme_error'],
    ['rejected', 'Rejected', 'slds-theme_error'],
    ['expired', 'Expired', 'slds-badge_lightest'],
    ['erased', 'Erased', 'slds-badge_lightest']
])('a video that is %s says why, and its link is not offered', async (status, label, look) => {
    const element = await shown({
        ...READY,
        Cuereel_Video_Status__c: status,
        Cuereel_Video_Status_Reason__c: 'This is why. [code]'
    });
    expect(text(element, '.slds-badge')).toBe(label);
    expect(find(element, '.slds-badge').className).toContain(look);
    expect(text(element, '[data-reason]')).toBe('This is why. [code]');
    expect(find(element, 'c-cuereel-share')).toBeNull();
});

test.each([
    ['blocked_consent', 'Not sent: no consent'],
    ['blocked_validation', 'Not sent: data missing'],
    ['delayed', 'Sent later'],
    ['something_new', 'Something new']
])('what was not made for %s says so in words', async (status, label) => {
    const element = await shown({
        ...UNTOUCHED,
        Cuereel_Video_Status__c: status,
        Cuereel_Video_Status_Reason__c: 'The CRM says that the contact said no. [consent_denied]'
    });
    expect(text(element, '.slds-badge')).toBe(label);
    expect(text(element, '[data-reason]')).toContain('[consent_denied]');
    expect(find(element, 'c-cuereel-share')).toBeNull();
});

test('an address that is none is never opened', async () => {
    const element = await shown({ ...READY, Cuereel_Video_Url__c: 'javascript:alert(1)' });
    expect(find(element, 'c-cuereel-share')).toBeNull();
});

test('zero is shown as zero', async () => {
    const nothing = { Cuereel_Percent_Watched__c: 0, Cuereel_Views__c: 0, Cuereel_Engagement_Score__c: 0 };
    const element = await shown({
        ...READY,
        ...nothing,
        Cuereel_Engagement_Tier__c: 'cold',
        Cuereel_Last_Viewed_At__c: null
    });
    expect(facts(element)).toEqual({ percent: '0 %', views: '0', last: '–', score: '0 · cold' });
});

test('who may not see our fields is told which permission set to ask for', async () => {
    const element = await shown({ FirstName: 'Ana' });
    expect(text(element, '[data-state="forbidden"]')).toContain('Cuereel rep');
    expect(find(element, '[data-state="empty"]')).toBeNull();
});

test('a record that cannot be read is no video that is missing', async () => {
    const element = card();
    getRecord.error();
    await settled();
    expect(find(element, '[data-state="refused"]')).not.toBeNull();
    expect(find(element, '[data-state="empty"]')).toBeNull();
});

test('videos before the newest are listed with what was watched of each', async () => {
    const element = await shown(READY);
    const video = (id, status, made) =>
        record(id, 'Cuereel_Video__c', {
            Campaign_Name__c: 'account_review',
            Status__c: status,
            Video_Url__c: `https://video.example.org/v/${id}`,
            Minted_At__c: made
        });
    await lists(
        [
            video('a01new', 'ready', '2026-11-20T08:00:00.000Z'),
            video('a01mid', 'ready', '2026-10-20T08:00:00.000Z'),
            video('a01old', 'expired', null)
        ],
        [
            record('a02a', 'Cuereel_Video_View__c', { Video__c: 'a01mid', Percent_Watched__c: 40 }),
            record('a02b', 'Cuereel_Video_View__c', { Video__c: 'a01mid', Percent_Watched__c: 75 }),
            record('a02c', 'Cuereel_Video_View__c', { Video__c: 'a01mid', Percent_Watched__c: 10 })
        ]
    );
    const rows = [...element.shadowRoot.querySelectorAll('[data-before] li')];
    expect(rows).toHaveLength(2);
    expect(rows[0].textContent).toContain('Account review');
    expect(rows[0].textContent).toContain('75 % watched');
    expect(rows[0].querySelector('a').href).toBe('https://video.example.org/v/a01mid');
    expect(rows[1].textContent).toContain('not watched');
    expect(rows[1].querySelector('a')).toBeNull();
});

test('the newest videos are asked for first, and no more than are shown', async () => {
    card();
    await settled();
    const asked = [];
    getRelatedListRecords.emit({ records: [] }, (config) => asked.push(config) && false);
    const [videos, views] = ['Cuereel_Videos__r', 'Cuereel_Video_Views__r'].map((list) =>
        asked.find(({ relatedListId }) => relatedListId === list)
    );
    expect(videos).toMatchObject({
        parentRecordId: CONTACT,
        sortBy: ['-Cuereel_Video__c.Minted_At__c'],
        pageSize: 6
    });
    expect(views.parentRecordId).toBe(CONTACT);
});

test('one video alone has none before it', async () => {
    const element = await shown(READY);
    await lists([record('a01new', 'Cuereel_Video__c', { Status__c: 'ready' })], []);
    expect(find(element, '[data-before]')).toBeNull();
});

test('without its lists the card still says how the newest video stands', async () => {
    const element = await shown(READY);
    getRelatedListRecords.error();
    await settled();
    expect(text(element, '.slds-badge')).toBe('Ready');
    expect(find(element, '[data-before]')).toBeNull();
});

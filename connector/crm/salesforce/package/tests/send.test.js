/** The action: a request is made, and its answer shown, or promised. */
import CuereelSend from 'c/cuereelSend';
import { getPicklistValues } from 'lightning/uiObjectInfoApi';
import { createRecord, getRecord, notifyRecordUpdateAvailable } from 'lightning/uiRecordApi';
import { clear, find, place, record, settled, text } from './setting';

const CONTACT = '003000000000065AAA';
const LEAD = '00Q000000000065AAA';
const REQUEST = 'a03000000000001AAA';
const CHOICES = [
    { label: 'Onboarding welcome', value: 'onboarding', attributes: null, validFor: [] },
    { label: 'Account review', value: 'account_review', attributes: null, validFor: [] }
];

beforeEach(() => {
    jest.useFakeTimers();
    createRecord.mockResolvedValue({ id: REQUEST });
});

afterEach(() => {
    clear();
    jest.useRealTimers();
});

async function action(recordId = CONTACT, choices = CHOICES) {
    const element = place('c-cuereel-send', CuereelSend, { recordId });
    getPicklistValues.emit({ values: choices, defaultValue: null, controllerValues: {} });
    await settled();
    return element;
}

async function choose(element, value) {
    const box = find(element, 'lightning-combobox');
    box.dispatchEvent(new CustomEvent('change', { detail: { value } }));
    await settled();
}

async function press(element, what) {
    find(element, `[data-${what}]`).dispatchEvent(new CustomEvent('click'));
    await settled();
}

async function asked(recordId = CONTACT) {
    const element = await action(recordId);
    await choose(element, 'onboarding');
    await press(element, 'send');
    return element;
}

async function answered(values) {
    const empty = { Status__c: null, Reason__c: null, Video_Url__c: null, Thumbnail_Url__c: null };
    getRecord.emit(
        record(REQUEST, 'Cuereel_Request__c', { ...empty, ...values }),
        ({ recordId }) => recordId === REQUEST
    );
    await settled();
}

function looks() {
    return notifyRecordUpdateAvailable.mock.calls.filter(([[{ recordId }]]) => recordId === REQUEST);
}

test('the campaigns are those of the picklist', async () => {
    const element = await action();
    expect(find(element, 'lightning-combobox').options).toEqual([
        { label: 'Onboarding welcome', value: 'onboarding' },
        { label: 'Account review', value: 'account_review' }
    ]);
    expect(find(element, 'lightning-combobox').label).toBe('Video');
});

test('nothing is asked for before a video was chosen', async () => {
    const element = await action();
    expect(find(element, '[data-send]').disabled).toBe(true);
    await press(element, 'send');
    expect(createRecord).not.toHaveBeenCalled();
});

test.each([
    [CONTACT, 'Contact__c'],
    [LEAD, 'Lead__c']
])('a request for %s names it as %s', async (id, field) => {
    const element = await asked(id);
    expect(createRecord.mock.calls).toEqual([
        [{ apiName: 'Cuereel_Request__c', fields: { [field]: id, Campaign__c: 'onboarding' } }]
    ]);
    expect(find(element, '[data-state="making"]')).not.toBeNull();
    expect(find(element, '[data-send]')).toBeNull();
});

test('pressing twice asks once', async () => {
    let made;
    createRecord.mockReturnValue(new Promise((resolve) => { made = resolve; }));
    const element = await action();
    await choose(element, 'onboarding');
    await press(element, 'send');
    await press(element, 'send');
    made({ id: REQUEST });
    await settled();
    expect(createRecord).toHaveBeenCalledTimes(1);
});

test('while it is in the making the request is looked at every two seconds', async () => {
    const element = await asked();
    await answered({});
    expect(find(element, '[data-state="making"]')).not.toBeNull();
    jest.advanceTimersByTime(6_000);
    expect(looks()).toHaveLength(3);
});

test('as soon as it is answered there is the link to send, and nothing is asked any more', async () => {
    const element = await asked();
    jest.advanceTimersByTime(2_000);
    await answered({
        Status__c: 'done',
        Video_Url__c: 'https://video.example.org/v/abc',
        Thumbnail_Url__c: 'https://video.example.org/v/abc/poster.jpg'
    });
    const share = find(element, 'c-cuereel-share');
    expect(share.url).toBe('https://video.example.org/v/abc');
    expect(share.thumbnail).toBe('https://video.example.org/v/abc/poster.jpg');
    const before = looks().length;
    jest.advanceTimersByTime(60_000);
    expect(looks()).toHaveLength(before);
    expect(notifyRecordUpdateAvailable).toHaveBeenCalledWith([{ recordId: CONTACT }]);
});

test('the name on the e-mail is that of the person', async () => {
    const element = await asked(LEAD);
    getRecord.emit(
        record(LEAD, 'Lead', { FirstName: 'Ben' }),
        ({ recordId, optionalFields }) => recordId === LEAD && optionalFields[0] === 'Lead.FirstName'
    );
    await answered({ Status__c: 'done', Video_Url__c: 'https://video.example.org/v/abc' });
    expect(find(element, 'c-cuereel-share').name).toBe('Ben');
});

test('a refusal is told with its reason', async () => {
    const element = await asked();
    await answered({ Status__c: 'failed', Reason__c: 'The CRM says that the contact said no.' });
    expect(text(element, '[data-state="refused"]')).toBe('The CRM says that the contact said no.');
    expect(find(element, 'c-cuereel-share')).toBeNull();
});

test('an answer without video and reason is not taken for one in the making', async () => {
    const element = await asked();
    await answered({ Status__c: 'done' });
    expect(text(element, '[data-state="refused"]')).toBe('No video was made.');
});

test('after half a minute the colleague may go, and is told where the video will be', async () => {
    const element = await asked();
    jest.advanceTimersByTime(30_000);
    await settled();
    expect(text(element, '[data-state="late"]')).toContain('put the video on the record');
    expect(find(element, '[data-state="making"]')).toBeNull();
    const before = looks().length;
    jest.advanceTimersByTime(60_000);
    expect(looks()).toHaveLength(before);
});

test('an answer to the last look is still shown', async () => {
    const element = await asked();
    jest.advanceTimersByTime(30_000);
    await answered({ Status__c: 'done', Video_Url__c: 'https://video.example.org/v/abc' });
    expect(find(element, 'c-cuereel-share')).not.toBeNull();
    expect(find(element, '[data-state="late"]')).toBeNull();
});

test('when the panel is closed nothing is looked at any more', async () => {
    const element = await asked();
    document.body.removeChild(element);
    jest.advanceTimersByTime(30_000);
    expect(looks()).toHaveLength(0);
});

test('a request that Salesforce does not take can be made again', async () => {
    createRecord.mockRejectedValueOnce({ body: { message: 'no' } });
    const element = await asked();
    expect(text(element, '[data-state="problem"]')).toContain('could not be asked for');
    expect(find(element, '[data-send]').disabled).toBe(false);
    await press(element, 'send');
    expect(find(element, '[data-state="problem"]')).toBeNull();
    expect(find(element, '[data-state="making"]')).not.toBeNull();
});

test('who may not ask is told which permission set to ask for', async () => {
    const element = place('c-cuereel-send', CuereelSend, { recordId: CONTACT });
    getPicklistValues.error();
    await settled();
    expect(text(element, '[data-state="problem"]')).toContain('Cuereel rep');
    expect(find(element, 'lightning-combobox')).toBeNull();
});

test('without campaigns there is nothing to choose, and that is said', async () => {
    const element = await action(CONTACT, []);
    expect(find(element, '[data-state="without-choices"]')).not.toBeNull();
    expect(find(element, 'lightning-combobox')).toBeNull();
});

test('the panel closes by its button', async () => {
    const element = await action();
    const closed = jest.fn();
    element.addEventListener('lightning__actionsclosescreen', closed);
    await press(element, 'close');
    expect(closed).toHaveBeenCalledTimes(1);
});

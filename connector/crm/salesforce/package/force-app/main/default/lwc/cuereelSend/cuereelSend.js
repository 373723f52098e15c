/**
 * The action on a contact or lead: asks for a video by making a request, and shows its link as soon
 * as the request is answered.
 */
import { LightningElement, api, wire } from 'lwc';
import { CloseActionScreenEvent } from 'lightning/actions';
import { getPicklistValues } from 'lightning/uiObjectInfoApi';
import {
    createRecord,
    getFieldValue,
    getRecord,
    notifyRecordUpdateAvailable
} from 'lightning/uiRecordApi';
import { webAddress } from 'c/cuereelStatus';
import REQUEST from '@salesforce/schema/Cuereel_Request__c';
import CAMPAIGN from '@salesforce/schema/Cuereel_Request__c.Campaign__c';
import CONTACT from '@salesforce/schema/Cuereel_Request__c.Contact__c';
import LEAD from '@salesforce/schema/Cuereel_Request__c.Lead__c';
import STATUS from '@salesforce/schema/Cuereel_Request__c.Status__c';
import REASON from '@salesforce/schema/Cuereel_Request__c.Reason__c';
import VIDEO_URL from '@salesforce/schema/Cuereel_Request__c.Video_Url__c';
import THUMBNAIL_URL from '@salesforce/schema/Cuereel_Request__c.Thumbnail_Url__c';

const ANY_RECORD_TYPE = '012000000000000AAA'; // what Salesforce calls an object without record types
const SOON = 2_000; // milliseconds until the request is looked at again
const PATIENCE = 30_000;

export default class CuereelSend extends LightningElement {
    // the panel sets it after the component was placed
    @api recordId;

    campaign = '';
    choices;
    problem = '';
    busy = false;
    requestId;
    answer;
    person;
    isLate = false;
    waited = 0;
    timer;

    @wire(getPicklistValues, { recordTypeId: ANY_RECORD_TYPE, fieldApiName: CAMPAIGN })
    handleChoices({ data, error }) {
        this.choices = data?.values.map(({ label, value }) => ({ label, value }));
        if (error) {
            this.problem =
                'You may not ask for videos yet. Ask your admin for the permission set “Cuereel rep”.';
        }
    }

    @wire(getRecord, { recordId: '$recordId', optionalFields: '$personFields' })
    handlePerson({ data }) {
        this.person = data;
    }

    @wire(getRecord, {
        recordId: '$requestId',
        optionalFields: [STATUS, REASON, VIDEO_URL, THUMBNAIL_URL]
    })
    handleAnswer({ data }) {
        if (data && getFieldValue(data, STATUS)) {
            this.stop();
            this.answer = data;
            this.refreshPage();
        }
    }

    disconnectedCallback() {
        this.stop();
    }

    get isLead() {
        return this.recordId?.startsWith('00Q');
    }

    get personFields() {
        return this.recordId && [this.isLead ? 'Lead.FirstName' : 'Contact.FirstName'];
    }

    get name() {
        return this.person?.fields?.FirstName?.value ?? '';
    }

    get isChoosing() {
        return !this.requestId;
    }

    get isMaking() {
        return Boolean(this.requestId) && !this.answer && !this.isLate;
    }

    get isLeft() {
        return this.isLate && !this.answer;
    }

    get link() {
        return this.answer ? webAddress(getFieldValue(this.answer, VIDEO_URL)) : '';
    }

    get thumbnail() {
        return webAddress(getFieldValue(this.answer, THUMBNAIL_URL));
    }

    get isReady() {
        return Boolean(this.link);
    }

    get isRefused() {
        return Boolean(this.answer) && !this.link;
    }

    get reason() {
        return getFieldValue(this.answer, REASON) || 'No video was made.';
    }

    get hasChoices() {
        return this.choices?.length > 0;
    }

    get isWithoutChoices() {
        return this.choices?.length === 0;
    }

    get mayNotSend() {
        return !this.campaign || this.busy;
    }

    handleCampaign(event) {
        this.campaign = event.detail.value;
    }

    async handleSend() {
        if (this.mayNotSend) {
            return;
        }
        this.busy = true;
        this.problem = '';
        try {
            const made = await createRecord(this.request());
            this.requestId = made.id;
            this.waitForAnswer();
        } catch {
            this.problem =
                'The video could not be asked for. Try again; if it stays so, ask your admin.';
        } finally {
            this.busy = false;
        }
    }

    handleClose() {
        this.dispatchEvent(new CloseActionScreenEvent());
    }

    request() {
        const person = this.isLead ? LEAD : CONTACT;
        return {
            apiName: REQUEST.objectApiName,
            fields: {
                [person.fieldApiName]: this.recordId,
                [CAMPAIGN.fieldApiName]: this.campaign
            }
        };
    }

    waitForAnswer() {
        // nothing tells a page that a record was changed from outside
        this.timer = setTimeout(() => this.look(), SOON);
    }

    look() {
        this.waited += SOON;
        notifyRecordUpdateAvailable([{ recordId: this.requestId }]);
        if (this.waited >= PATIENCE) {
            this.isLate = true;
        } else {
            this.waitForAnswer();
        }
    }

    stop() {
        clearTimeout(this.timer);
    }

    refreshPage() {
        notifyRecordUpdateAvailable([{ recordId: this.recordId }]);
    }
}

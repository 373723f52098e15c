/**
 * The card on a contact or lead: how the newest video stands and why, its link to send, what was
 * watched, and the videos before it.
 */
import { LightningElement, api, wire } from 'lwc';
import { getRecord, notifyRecordUpdateAvailable } from 'lightning/uiRecordApi';
import { getRelatedListRecords } from 'lightning/uiRelatedListApi';
import { standing, webAddress } from 'c/cuereelStatus';
import { OF_PERSON, OF_VIDEO, OF_VIEW, valueOf } from './fields';

const MOST_BEFORE = 5;

export default class CuereelVideo extends LightningElement {
    @api recordId;
    @api objectApiName;

    record;
    refused = false;
    videos = [];
    watchedOf = new Map();

    get fields() {
        return this.objectApiName && OF_PERSON.map((field) => `${this.objectApiName}.${field}`);
    }

    @wire(getRecord, { recordId: '$recordId', optionalFields: '$fields' })
    handleRecord({ data, error }) {
        this.refused = Boolean(error);
        this.record = data;
    }

    // without these lists the card still says how the newest video stands
    @wire(getRelatedListRecords, {
        parentRecordId: '$recordId',
        relatedListId: 'Cuereel_Videos__r',
        optionalFields: OF_VIDEO,
        sortBy: ['-Cuereel_Video__c.Minted_At__c'],
        pageSize: MOST_BEFORE + 1
    })
    handleVideos({ data }) {
        this.videos = data?.records ?? [];
    }

    @wire(getRelatedListRecords, {
        parentRecordId: '$recordId',
        relatedListId: 'Cuereel_Video_Views__r',
        optionalFields: OF_VIEW,
        pageSize: 100
    })
    handleViews({ data }) {
        this.watchedOf = new Map();
        (data?.records ?? []).forEach((view) => {
            const video = valueOf(view, 'Video__c');
            const most = Math.max(
                valueOf(view, 'Percent_Watched__c') ?? 0,
                this.watchedOf.get(video) ?? 0
            );
            this.watchedOf.set(video, most);
        });
    }

    get isLoading() {
        return !this.record && !this.refused;
    }

    get isForbidden() {
        return Boolean(this.record) && !('Cuereel_Video_Status__c' in this.record.fields);
    }

    get isEmpty() {
        return Boolean(this.record) && !this.isForbidden && !this.status && !this.link;
    }

    get isShown() {
        return Boolean(this.record) && !this.isForbidden && !this.isEmpty;
    }

    get status() {
        return this.value('Cuereel_Video_Status__c') ?? '';
    }

    get standing() {
        return standing(this.status);
    }

    get reason() {
        return this.value('Cuereel_Video_Status_Reason__c');
    }

    get link() {
        const address = webAddress(this.value('Cuereel_Video_Url__c'));
        return standing(this.status).mayBeSent ? address : '';
    }

    get making() {
        return this.link
            ? 'The link works already; the picture comes when it is made.'
            : 'The video is in the making.';
    }

    get thumbnail() {
        return webAddress(this.value('Cuereel_Thumbnail_Url__c'));
    }

    get name() {
        return this.value('FirstName') ?? '';
    }

    get isWatched() {
        return this.value('Cuereel_Views__c') !== null;
    }

    get views() {
        return this.value('Cuereel_Views__c');
    }

    get percent() {
        return share(this.value('Cuereel_Percent_Watched__c'));
    }

    get lastViewed() {
        return this.value('Cuereel_Last_Viewed_At__c');
    }

    get score() {
        const [score, tier] = ['Cuereel_Engagement_Score__c', 'Cuereel_Engagement_Tier__c'].map(
            (field) => this.value(field)
        );
        return score === null ? '–' : [score, tier].filter((part) => part !== null).join(' · ');
    }

    get before() {
        return this.videos.slice(1, MOST_BEFORE + 1).map((video) => this.row(video));
    }

    get hasBefore() {
        return this.videos.length > 1;
    }

    handleLook() {
        return notifyRecordUpdateAvailable([{ recordId: this.recordId }]);
    }

    value(field) {
        return valueOf(this.record, field);
    }

    row(video) {
        const status = standing(valueOf(video, 'Status__c') ?? '');
        const watched = this.watchedOf.get(video.id);
        return {
            id: video.id,
            title: titleOf(valueOf(video, 'Campaign_Name__c') ?? ''),
            label: status.label,
            badge: status.badge,
            link: status.mayBeSent ? webAddress(valueOf(video, 'Video_Url__c')) : '',
            made: valueOf(video, 'Minted_At__c'),
            watched: watched === undefined ? 'not watched' : `${share(watched)} watched`
        };
    }
}

function share(percent) {
    return percent === null ? '–' : `${percent} %`;
}

function titleOf(campaign) {
    const words = campaign.replaceAll('_', ' ') || 'video';
    return words.charAt(0).toUpperCase() + words.slice(1);
}

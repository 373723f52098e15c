/**
 * Which fields the card reads, by their names in Salesforce.
 */

/** The fields of a contact or lead. */
export const OF_PERSON = [
    'FirstName',
    'Cuereel_Video_Url__c',
    'Cuereel_Thumbnail_Url__c',
    'Cuereel_Video_Status__c',
    'Cuereel_Video_Status_Reason__c',
    'Cuereel_Percent_Watched__c',
    'Cuereel_Views__c',
    'Cuereel_Last_Viewed_At__c',
    'Cuereel_Engagement_Score__c',
    'Cuereel_Engagement_Tier__c'
];

/** The fields of each video, and of each view. */
export const OF_VIDEO = [
    'Cuereel_Video__c.Campaign_Name__c',
    'Cuereel_Video__c.Status__c',
    'Cuereel_Video__c.Video_Url__c',
    'Cuereel_Video__c.Minted_At__c'
];
export const OF_VIEW = [
    'Cuereel_Video_View__c.Video__c',
    'Cuereel_Video_View__c.Percent_Watched__c'
];

/** Read the value of a field of a record as the wire gives it; nothing where it cannot be seen. */
export function valueOf(record, field) {
    return record?.fields?.[field]?.value ?? null;
}

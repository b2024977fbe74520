//! What a store promises, whichever backend keeps it: the same scenarios run against each.

pub(crate) mod approvals;
pub(crate) mod fixtures;
pub(crate) mod following;
mod killed;
mod running;
pub(crate) mod signals;
mod sqlite;
pub(crate) mod used;

use countersign::store::Store;

/// Something that is empty at first and can be opened more than once, as replicas do.
pub(crate) trait Place: Sync {
    /// One more handle on the same state.
    fn open(&self) -> impl Future<Output = Store> + Send;
}

/// Every scenario, each on a place of its own.
macro_rules! scenarios {
    ($place:expr) => {
        $crate::state::scenarios!(@ $place;
            approvals: a_record_comes_back_as_it_was_put,
            approvals: of_racing_attempts_one_opens,
            approvals: what_is_waited_for_is_limited_for_each_requester,
            approvals: taking_back_is_no_way_around_the_limit,
            approvals: nothing_is_opened_for_a_while_after_a_no,
            approvals: an_approval_that_expired_is_asked_for_again,
            approvals: of_racing_votes_one_is_first,
            approvals: never_more_uses_than_approved,
            approvals: rules_that_allow_fewer_uses_by_now_count,
            approvals: what_cannot_be_used_is_not,
            approvals: history_is_listed_newest_first,
            signals: revocations_merge_in_any_order,
            signals: a_revocation_that_expired_is_forgotten,
            signals: the_newest_setting_counts,
            signals: what_was_so_earlier_does_not_undo_what_is_so_later,
            signals: restoring_never_lowers_anything,
            used: of_all_who_use_it_up_one_is_first,
            following: two_followers_see_the_same,
            following: a_follower_that_comes_late_sees_everything_that_counts,
            following: an_idle_store_proves_that_it_can_be_written_to,
            following: replicas_say_how_far_they_are,
        );
    };
    (@ $place:expr; $($module:ident: $name:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                $crate::state::$module::$name(&$place).await;
            }
        )*
    };
}
pub(crate) use scenarios;

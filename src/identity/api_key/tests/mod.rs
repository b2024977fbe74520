mod following;
mod verification;

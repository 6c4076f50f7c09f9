//! stub
use crate::error::Error;
#[derive(Debug)]
pub struct Authenticator;
impl Authenticator {
    pub fn handle(&mut self, body: &[u8]) -> Result<Step, Error> {
        let _ = body;
        Ok(Step::Done)
    }
}
pub enum Step {
    Send(Vec<u8>),
    Wait,
    Done,
}
